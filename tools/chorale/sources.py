"""Fetches the third-party sources of tools/sources.txt. Running it again changes nothing.

They come from the Debian archive that this machine uses anyway: apt is given its sources list with deb-src
in place of deb, and everything else that apt writes is kept below build/, so that root is not needed and the
system's own package lists stay as they are. What is compiled is pinned by the tarball's hash; the archive
only has to have it. A package with a machine's name is a binary package: files for tests to run, taken from
it unmodified.

Invariant: a folder build/third-party/<package>-<version> holds a stamp if and only if it is whole.
"""

import contextlib
import dataclasses
import fcntl
import fnmatch
import hashlib
import io
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile

from chorale import paths, process
from chorale.errors import Failure
from chorale.progress import phase

SOURCES = paths.TOOLS / "sources.txt"
THIRD_PARTY = paths.BUILD / "third-party"
APT_CONFIGURATION = pathlib.Path("/etc/apt")
STAMP = ".complete"


@dataclasses.dataclass(frozen=True)
class Source:
    """A line of tools/sources.txt."""
    package: str
    version: str
    sha256: str
    patterns: tuple

    @property
    def name(self):
        return self.package.partition(":")[0]

    @property
    def machine(self):
        """Debian's name of the machine that a binary package is for; "" for a source package."""
        return self.package.partition(":")[2]

    @property
    def plain_version(self):
        """Without the epoch, which names of files do not have."""
        return self.version.rpartition(":")[2]

    @property
    def directory(self):
        return THIRD_PARTY / f"{self.name}-{self.plain_version}"

    @property
    def file_names(self):
        """As which the package may come, the likeliest first."""
        if self.machine:
            return [f"{self.name}_{version}_{self.machine}.deb"
                    for version in (self.plain_version, self.version.replace(":", "%3a"))]
        return [f"{self.name}_{self.version}.orig.tar.{suffix}" for suffix in ("xz", "gz", "bz2")]

    def __str__(self):
        return " ".join((self.package, self.version, self.sha256, *self.patterns))


def wanted_sources(path=None):
    sources = []
    for number, line in enumerate((path or SOURCES).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split()
        if (len(words) < 4 or not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?", words[0])
                or not re.fullmatch(r"([0-9]+:)?[0-9][A-Za-z0-9.+~-]*", words[1])
                or not re.fullmatch(r"[0-9a-f]{64}", words[2])
                or any(pattern.startswith("/") or ".." in pattern for pattern in words[3:])):
            raise Failure(f"line {number} of sources.txt is not: package, version, SHA-256, files")
        sources.append(Source(words[0], words[1], words[2], tuple(words[3:])))
    return sources


def complete(source):
    """Whether it was unpacked, from this line of sources.txt, and none of its files is gone since."""
    try:
        line, *names = (source.directory / STAMP).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return False
    return line == str(source) and all((source.directory / name).is_file() for name in names)


def as_source_list(text, one_line):
    """An apt sources list, of either format, with the source packages of the archives that it names."""
    if not one_line:
        return re.sub(r"(?mi)^Types:.*$", "Types: deb-src", text)
    lines = [re.sub(r"^\s*deb(?:-src)?(?=[\s\[])", "deb-src", line) for line in text.splitlines()]
    kept = [line for line in lines if line.startswith("deb-src") and "cdrom:" not in line]
    return "".join(line + "\n" for line in dict.fromkeys(kept))


def write_source_lists(target, binary=False):
    """The system's own sources lists as lists of source packages, in the folder `target`; or as they are."""
    found = [APT_CONFIGURATION / "sources.list", *sorted((APT_CONFIGURATION / "sources.list.d").glob("*"))]
    written = False
    for path in found:
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if not binary:
            text = as_source_list(text, path.suffix == ".list")
        (target / path.name).write_text(text, encoding="utf-8")
        written = True
    if not written:
        raise Failure(f"apt has no sources list in {APT_CONFIGURATION}", tail=False)


class Apt:
    """apt-get and apt-cache with lists and caches of their own, below `directory`: of source packages, or of
    the binary packages for a machine."""

    def __init__(self, directory, log, machine=""):
        self.log = log
        self.directory = directory
        self.machine = machine
        for name in ("parts", "state/lists/partial", "cache/archives/partial", "download"):
            (directory / name).mkdir(parents=True)
        write_source_lists(directory / "parts", binary=bool(machine))
        settings = {"Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": directory / "parts",
                    "Dir::State": directory / "state", "Dir::State::lists": directory / "state/lists",
                    "Dir::Cache": directory / "cache", "Acquire::Languages": "none",
                    "Acquire::http::Timeout": 30, "Acquire::Retries": 2,
                    # Without it an update that reached nothing counts as done.
                    "APT::Update::Error-Mode": "any"}
        if os.geteuid() == 0:
            # The user _apt may not be able to look into this checkout. What apt fetches is checked twice.
            settings["APT::Sandbox::User"] = "root"
        if machine:
            settings["APT::Architecture"] = settings["APT::Architectures"] = machine
        self.options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]

    def get(self, *words, show=None, cwd=None):
        return process.run_logged(["apt-get", "-q", *self.options, *words], self.log, show, append=True,
                                  cwd=cwd)

    def offers(self, package):
        """The packages of that name: stanzas of the package lists."""
        show = "show" if self.machine else "showsrc"
        done = subprocess.run(["apt-cache", *self.options, show, package], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, errors="replace", check=False)
        return [stanza for stanza in done.stdout.split("\n\n") if stanza.strip()]


def offered_hashes(stanza):
    """(SHA-256, file name) of all files that a stanza names, of a source package or of a binary one."""
    hashes = re.search(r"^Checksums-Sha256:\s*\n((?:[ \t].*\n?)+)", stanza, re.MULTILINE)
    if hashes:
        lines = [line.split() for line in hashes.group(1).splitlines()]
        return [(words[0], words[2]) for words in lines if len(words) == 3]
    sha256 = re.search(r"^SHA256: (\S+)$", stanza, re.MULTILINE)
    path = re.search(r"^Filename: (\S+)$", stanza, re.MULTILINE)
    return [(sha256.group(1), path.group(1).rpartition("/")[2])] if sha256 and path else []


def debian_version(source, offers):
    """Which Debian version of the package has the pinned file; "" if none has one of that name."""
    other = ""
    for stanza in offers:
        version = re.search(r"^Version: (\S+)$", stanza, re.MULTILINE)
        for sha256, name in offered_hashes(stanza) if version else []:
            if name in source.file_names:
                if sha256 == source.sha256:
                    return version.group(1)
                other = sha256
    if other:
        raise Failure(f"the archive's {source.package} {source.version} is not the one that sources.txt "
                      f"pins: its SHA-256 is {other}", tail=False)
    return ""


def download(source, scratch, progress):
    """Fetches the tarball into the folder `scratch`. Returns its path."""
    log = paths.log(f"source-{source.name}")
    log.write_bytes(b"")
    by_hand = f"put {source.file_names[0]} into {paths.shown(kept())}"
    if not shutil.which("apt-get"):
        raise Failure(f"the source of {source.package} comes with apt-get, and here is none; {by_hand}")
    apt = Apt(scratch / "apt", log, source.machine)

    def show(line):
        if line.startswith("Get:"):
            progress.update(line)

    progress.update("apt-get update")
    reached = apt.get("update", show=show) == 0
    version = debian_version(source, apt.offers(source.package))
    if not version:
        if not reached:
            raise Failure(f"the source of {source.package} is missing and the archive cannot be reached; "
                          f"go online or {by_hand}", log)
        raise Failure(f"the archive does not offer {source.package} {source.version}; {by_hand}", log)
    folder = scratch / "apt" / "download"
    what = ["download"] if source.machine else ["source", "--download-only"]
    status = apt.get(*what, f"{source.package}={version}", show=show, cwd=folder)
    found = [path for path in sorted(folder.iterdir()) if path.name in source.file_names]
    if status != 0 or not found:
        raise Failure(f"could not fetch {source.package} {version}; try again or {by_hand}", log)
    return found[0]


def kept():
    """Where tarballs stay, for whoever changes sources.txt or puts one there by hand."""
    return THIRD_PARTY / "download"


def check_hash(source, tarball):
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    if digest != source.sha256:
        raise Failure(f"{tarball.name} is not the file that sources.txt pins: its SHA-256 is {digest}"
                      + (f"; delete {paths.shown(tarball)}" if tarball.parent == kept() else ""), tail=False)


def fetch(source, scratch, progress):
    """The checked tarball: the one kept from before, or a new one."""
    for path in sorted(kept().glob("*")):
        if path.name in source.file_names:
            check_hash(source, path)
            return path
    tarball = download(source, scratch, progress)
    check_hash(source, tarball)
    kept().mkdir(exist_ok=True)
    return tarball.replace(kept() / tarball.name)


def data_of_package(package):
    """The tarball in a binary package, which is an `ar` archive of three files."""
    content = package.read_bytes()
    at = 8 if content.startswith(b"!<arch>\n") else len(content)
    while at + 60 <= len(content):
        name, size = content[at:at + 16].decode("latin-1").strip(" /"), content[at + 48:at + 58]
        if not size.strip().isdigit():
            break
        if name.startswith("data.tar"):
            return io.BytesIO(content[at + 60:at + 60 + int(size)])
        at += 60 + int(size) + int(size) % 2
    raise tarfile.TarError("it is no Debian package")


def open_data(source, tarball):
    return data_of_package(tarball) if source.machine else open(tarball, "rb")


def unpack(source, tarball, target):
    """Writes the files that are wanted, of a tarball without its top folder. Returns their names."""
    names = []
    try:
        with (open_data(source, tarball) as file,
              tarfile.open(fileobj=file) as archive):
            for member in archive:
                name = member.name.removeprefix("./")
                if not source.machine:
                    name = name.partition("/")[2]
                if not any(fnmatch.fnmatchcase(name, pattern) for pattern in source.patterns):
                    continue
                if not member.isfile() or ".." in name.split("/"):
                    continue
                path = target / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.extractfile(member).read())
                path.chmod(0o755 if member.mode & 0o100 else 0o644)
                os.utime(path, (member.mtime, member.mtime))
                names.append(name)
    except (tarfile.TarError, EOFError) as error:
        raise Failure(f"{paths.shown(tarball)} cannot be unpacked: {error}", tail=False) from error
    for pattern in source.patterns:
        if not fnmatch.filter(names, pattern):
            raise Failure(f"there is no {pattern} in {tarball.name}", tail=False)
    return sorted(names)


def install(source, scratch, progress):
    tarball = fetch(source, scratch, progress)
    progress.update(f"unpack {tarball.name}")
    fresh = scratch / "fresh"
    names = unpack(source, tarball, fresh)
    (fresh / STAMP).write_text("\n".join([str(source), *names]) + "\n", encoding="utf-8")
    if source.directory.exists():
        shutil.rmtree(source.directory)
    fresh.rename(source.directory)


@contextlib.contextmanager
def locked():
    """Two commands that start together fetch once."""
    THIRD_PARTY.mkdir(parents=True, exist_ok=True)
    with open(THIRD_PARTY / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure():
    """What each build starts with, before CMake looks for these files."""
    if all(complete(source) for source in wanted_sources()):
        return
    with locked():
        for left in THIRD_PARTY.glob("fetch-*"):  # by a command that was killed
            shutil.rmtree(left)
        for source in wanted_sources():
            if complete(source):
                continue
            with (phase(f"source {source.name}") as progress,
                  tempfile.TemporaryDirectory(prefix="fetch-", dir=THIRD_PARTY) as scratch):
                install(source, pathlib.Path(scratch), progress)
