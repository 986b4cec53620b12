"""What the system tests must know of x86-64: addresses, machine code, words on the console."""

TITLE = "x86-64"
PREFIX = ""  # of the names of this architecture's tests and logs
ELF_MACHINE, OTHER_MACHINE = 62, 243
USER_END = 0x800000000000
NUCLEUS_ADDRESS = 0xFFFF800000000000
NUCLEUS_TEXT = r"0xffffffff8[0-9a-f]{7}"
LOOP = b"\xeb\xfe"  # jmp .
FILLER = b"\xcc"

# name: (code, what the console must say of its end)
CRASHING = {
    "undefined": (b"\x0f\x0b", "invalid opcode"),
    "privileged": (b"\xf4", "general protection"),
    "port": (b"\xb0\x11\xe6\xf4", "general protection"),  # the way out of the machine
    "breakpoint": (b"\xcc", "breakpoint"),
    "divide": (b"\x31\xc9\xf7\xf1", "divide error"),
    "read_null": (b"\x8a\x04\x25\0\0\0\0", "page fault .address 0(x0)?,"),
    "read_nucleus": (b"\x48\xc7\xc0\0\0\x20\x80\x8a\x00", "page fault .address 0xffffffff80200000,"),
    "write_text": (b"\x88\x05\xfa\xff\xff\xff", "page fault"),
    "jump_to_data": (b"\xe9\xfb\x0f\x00\x00", "page fault .address 0x401000, pc 0x401000"),
    "jump_to_nucleus": (b"\x48\xc7\xc0\0\0\x20\x80\xff\xe0", "page fault"),
    "jump_away": (b"\x48\xb8\0\0\0\0\0\0\0\x80\xff\xe0", "general protection"),  # not canonical
    "old_call": (b"\xcd\x80", "general protection"),
    "sysenter": (b"\x0f\x34", "general protection|invalid opcode"),
    "overflowing": (b"\x48\x8d\x64\x24\x00\x50\xeb\xfd", "page fault"),  # push for ever
}

# What spoils a function of the nucleus, and how the panic then begins.
UNDEFINED, UNDEFINED_PANIC = b"\x0f\x0b", "invalid opcode"
READ_NULL, READ_NULL_PANIC = b"\x48\x8b\x04\x25\x00\x00\x00\x00", r"page fault \(0x0\)"
OVERFLOW, OVERFLOW_PANIC = b"\xe8\xfb\xff\xff\xff", "double fault"  # calls itself; the guard page is hit
REGISTERS = ("rip", "rsp", "rax", "r15", "cr2", "cr3")


def prologue(code):
    """How many bytes of a function make its frame: before them its caller is not in the chain of frames."""
    make_frame = b"\x55\x48\x89\xe5"  # push %rbp; mov %rsp, %rbp
    return len(make_frame) if code.startswith(make_frame) else 0


# The largest bank that fits into 64 MiB, nearly: the loader decides where it goes.
ROOM_FOR_A_BANK = 50 << 20

# Firmware and what it says of itself; how long it may take.
LOADERS = {"pvh": ("PVH", 60), "seabios-iso": ("GRUB", 60), "ovmf-iso": ("GRUB", 120)}
