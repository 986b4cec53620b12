"""Reads, changes and writes flattened device trees (format 17), for machines whose firmware lies."""

import struct

MAGIC, VERSION, LAST_COMPATIBLE = 0xD00DFEED, 17, 16
BEGIN, END, PROPERTY, NOP, FINISH = 1, 2, 3, 4, 9
HEADER = struct.Struct(">10I")


class Node:
    """Properties are bytes; children keep their order."""

    def __init__(self, name=""):
        self.name, self.properties, self.children = name, {}, []

    def __getitem__(self, path):
        """The node at a path, of whose names the first that begin as written are taken."""
        node = self
        for part in filter(None, path.split("/")):
            node = next((child for child in node.children
                         if child.name == part or child.name.startswith(part + "@")), None)
            if node is None:
                raise KeyError(path)
        return node

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, compatible):
        """The nodes that say to be compatible with that."""
        wanted = compatible.encode()
        return [node for node in self.walk()
                if wanted in node.properties.get("compatible", b"").split(b"\0")]

    def remove(self, path):
        parent, _, _ = path.rpartition("/")
        self[parent].children.remove(self[path])

    def add(self, name, properties=()):
        child = Node(name)
        child.properties.update(properties)
        self.children.append(child)
        return child

    def copy(self, name):
        same = Node(name)
        same.properties = dict(self.properties)
        same.children = [child.copy(child.name) for child in self.children]
        return same


def cells(*values):
    return struct.pack(f">{len(values)}I", *values)


def wide(*values):
    return struct.pack(f">{len(values)}Q", *values)


def text(value):
    return value.encode() + b"\0"


def padded(data):
    return data + bytes(-len(data) % 4)


def read(data):
    """The root of a tree that is whole."""
    _, _, structure, strings, *_ = HEADER.unpack_from(data)
    at, open_nodes, root = structure, [], None
    while True:
        token, = struct.unpack_from(">I", data, at)
        at += 4
        if token == BEGIN:
            end = data.index(b"\0", at)
            node = Node(data[at:end].decode())
            at += len(padded(data[at:end + 1]))
            if open_nodes:
                open_nodes[-1].children.append(node)
            root = root or node
            open_nodes.append(node)
        elif token == END:
            open_nodes.pop()
        elif token == PROPERTY:
            length, name = struct.unpack_from(">II", data, at)
            begin = strings + name
            key = data[begin:data.index(b"\0", begin)].decode()
            open_nodes[-1].properties[key] = data[at + 8:at + 8 + length]
            at += 8 + length + -length % 4
        elif token == FINISH:
            return root


def write(root, reserved=()):
    """The tree as bytes; `reserved` are (address, size) of the reservation block."""
    strings, places = b"", {}
    structure = bytearray()

    def place(name):
        nonlocal strings
        if name not in places:
            places[name] = len(strings)
            strings += name.encode() + b"\0"
        return places[name]

    def put(node):
        structure.extend(cells(BEGIN) + padded(text(node.name)))
        for name, value in node.properties.items():
            structure.extend(cells(PROPERTY, len(value), place(name)) + padded(value))
        for child in node.children:
            put(child)
        structure.extend(cells(END))

    put(root)
    structure.extend(cells(FINISH))
    reservations = b"".join(wide(*pair) for pair in (*reserved, (0, 0)))
    at_structure = HEADER.size + len(reservations)
    at_strings = at_structure + len(structure)
    size = at_strings + len(strings)
    header = HEADER.pack(MAGIC, size, at_structure, at_strings, HEADER.size, VERSION, LAST_COMPATIBLE, 0,
                         len(strings), len(structure))
    return header + reservations + bytes(structure) + strings
