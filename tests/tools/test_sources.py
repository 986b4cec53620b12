"""Third-party sources without an archive at hand: what is believed, what is unpacked, what is said."""

import contextlib
import hashlib
import io
import pathlib
import tarfile
import tempfile
import unittest
from unittest import mock

import support  # noqa: F401  (puts tools/ on the module path)
from chorale import paths, sources
from chorale.errors import Failure

FILES = {"a/one.c": b"one", "a/two.c": b"two", "a/three.h": b"three", "b/four.c": b"four", "b/LICENSE": b"L"}
STANZA = """\
Package: thing
Version: {version}
Files:
 00000000000000000000000000000000 10 {name}
Checksums-Sha256:
 1111111111111111111111111111111111111111111111111111111111111111 10 thing_1.0-1.dsc
 {sha256} 10 {name}
"""


def tarball_bytes(members):
    """Names that begin with `link:` become symbolic links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name.removeprefix("link:"))
            member.size = len(content)
            if name.startswith("link:"):
                member.type, member.linkname, member.size = tarfile.SYMTYPE, content.decode(), 0
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def package_bytes(members):
    """A binary package: `ar` around two tarballs, with an odd size between them."""
    data = tarball_bytes({"./" + name: text for name, text in members.items()})
    files = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": data}
    made = b"!<arch>\n"
    for name, content in files.items():
        made += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        made += b"\n" * (len(content) % 2)
    return made


class Archive:
    """Plays apt: offers one package and counts how often it is asked."""

    def __init__(self, content, sha256=None, name="thing_1.0.orig.tar.xz", reached=True):
        self.content, self.name, self.reached, self.asked = content, name, reached, []
        self.sha256 = sha256 or hashlib.sha256(content).hexdigest()

    def run_logged(self, command, log, on_line=None, append=False, env=None, cwd=None):
        self.asked.append(command[-1])
        if command[-1] == "update":
            return 0 if self.reached else 100
        if not self.reached:
            return 100
        (pathlib.Path(cwd) / "thing_1.0-1.dsc").write_text("signed")
        (pathlib.Path(cwd) / self.name).write_bytes(self.content)
        return 0

    def run(self, command, **options):
        stanza = STANZA.format(version="1.0-1", name=self.name, sha256=self.sha256)
        return mock.Mock(stdout=stanza if self.reached else "")


class SourcesTest(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.root = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chorale sources ")))
        (self.root / "apt").mkdir()
        (self.root / "apt" / "sources.list").write_text("deb http://example.org/debian bookworm main\n")
        for target, name, value in ((sources, "SOURCES", self.root / "sources.txt"),
                                    (sources, "THIRD_PARTY", self.root / "third-party"),
                                    (sources, "APT_CONFIGURATION", self.root / "apt"),
                                    (paths, "LOGS", self.root / "logs")):
            stack.enter_context(mock.patch.object(target, name, value))
        stack.enter_context(mock.patch("sys.stderr", io.StringIO()))
        stack.enter_context(mock.patch("shutil.which", return_value="/usr/bin/apt-get"))

    def want(self, content, patterns="a/*.c b/LICENSE", version="1.0"):
        digest = hashlib.sha256(content).hexdigest()
        (self.root / "sources.txt").write_text(f"# words\n\nthing {version} {digest} {patterns}\n")

    def ensure(self, archive):
        """Returns what apt was asked for."""
        archive.asked.clear()
        with (mock.patch("chorale.process.run_logged", archive.run_logged),
              mock.patch("subprocess.run", archive.run)):
            sources.ensure()
        return archive.asked

    def unpacked(self, version="1.0"):
        top = self.root / "third-party" / f"thing-{version}"
        return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*")
                if path.is_file() and path.name != sources.STAMP}

    def assert_fails(self, archive, message):
        with self.assertRaisesRegex(Failure, message):
            self.ensure(archive)
        left = {path.name for path in (self.root / "third-party").iterdir()}
        self.assertLessEqual(left, {".lock", "download"})

    def test_fetches_once_and_unpacks_what_is_wanted(self):
        content = tarball_bytes({"top/" + name: text for name, text in FILES.items()})
        self.want(content)
        archive = Archive(content)
        self.assertEqual(self.ensure(archive), ["update", "thing=1.0-1"])
        self.assertEqual(self.unpacked(), {name: FILES[name] for name in ("a/one.c", "a/two.c", "b/LICENSE")})
        self.assertEqual(self.ensure(archive), [])

    def test_a_missing_file_or_a_changed_line_unpacks_again_from_what_was_kept(self):
        content = tarball_bytes({"top/" + name: text for name, text in FILES.items()})
        self.want(content)
        archive = Archive(content)
        self.ensure(archive)
        (self.root / "third-party/thing-1.0/a/two.c").unlink()
        self.assertEqual(self.ensure(archive), [])
        self.assertIn("a/two.c", self.unpacked())
        self.want(content, "a/three.h")
        self.assertEqual(self.ensure(archive), [])
        self.assertEqual(self.unpacked(), {"a/three.h": b"three"})

    def test_a_folder_without_stamp_counts_for_nothing(self):
        content = tarball_bytes({"top/a/one.c": b"one"})
        self.want(content, "a/one.c")
        (self.root / "third-party/thing-1.0/a").mkdir(parents=True)
        (self.root / "third-party/thing-1.0/a/one.c").write_bytes(b"half")
        (self.root / "third-party/fetch-killed").mkdir()
        self.ensure(Archive(content))
        self.assertEqual(self.unpacked(), {"a/one.c": b"one"})
        self.assertFalse((self.root / "third-party/fetch-killed").exists())

    def test_another_tarball_is_refused(self):
        good, bad = tarball_bytes({"top/a/one.c": b"one"}), tarball_bytes({"top/a/one.c": b"evil"})
        self.want(good, "a/one.c")
        self.assert_fails(Archive(bad), "is not the one that sources.txt pins: its SHA-256 is [0-9a-f]{64}$")
        # The archive's lists say the right hash, the file is another one.
        lying = Archive(bad, sha256=hashlib.sha256(good).hexdigest())
        self.assert_fails(lying, "is not the file that sources.txt pins")
        (self.root / "third-party/download").mkdir(exist_ok=True)
        (self.root / "third-party/download/thing_1.0.orig.tar.xz").write_bytes(bad)
        self.assert_fails(Archive(good), "pins: its SHA-256 is [0-9a-f]{64}; delete .*/download/thing")

    def test_what_cannot_be_had_is_said(self):
        content = tarball_bytes({"top/a/one.c": b"one"})
        self.want(content, "a/one.c")
        self.assert_fails(Archive(content, reached=False), "cannot be reached; go online or put thing_1.0")
        self.assert_fails(Archive(content, name="thing_2.0.orig.tar.xz"), "does not offer thing 1.0; put ")
        with mock.patch("shutil.which", return_value=None):
            self.assert_fails(Archive(content), "comes with apt-get, and here is none; put ")
        self.want(content, "a/one.c a/other.c")
        self.assert_fails(Archive(content), "there is no a/other.c in thing_1.0.orig.tar.xz")
        self.want(b"no tarball", "a/one.c")
        (self.root / "third-party/download/thing_1.0.orig.tar.xz").unlink()
        self.assert_fails(Archive(b"no tarball"), "thing_1.0.orig.tar.xz cannot be unpacked")

    def test_a_tarball_put_there_by_hand_needs_no_archive(self):
        content = tarball_bytes({"top/a/one.c": b"one"})
        self.want(content, "a/one.c")
        (self.root / "third-party/download").mkdir(parents=True)
        (self.root / "third-party/download/thing_1.0.orig.tar.xz").write_bytes(content)
        self.assertEqual(self.ensure(Archive(content, reached=False)), [])
        self.assertEqual(self.unpacked(), {"a/one.c": b"one"})

    def test_nothing_is_written_outside_and_no_link_is_made(self):
        content = tarball_bytes({"top/a/one.c": b"one", "top/a/../../../escaped.c": b"evil",
                                 "link:top/a/link.c": b"/etc/passwd"})
        self.want(content, "a/*.c")
        self.ensure(Archive(content))
        self.assertEqual(self.unpacked(), {"a/one.c": b"one"})
        self.assertEqual(list(self.root.rglob("escaped.c")), [])

    def test_a_binary_package_is_taken_as_it_is(self):
        content = package_bytes({"bin/tool": b"run me", "usr/share/doc/tool": b"words"})
        digest = hashlib.sha256(content).hexdigest()
        (self.root / "sources.txt").write_text(f"thing:amd64 1:1.0-1+b2 {digest} bin/tool\n")
        stanza = ("Package: thing\nVersion: 1:1.0-1+b2\nFilename: pool/t/thing_1.0-1+b2_amd64.deb\n"
                  f"SHA256: {digest}\n")

        def run_logged(command, log, on_line=None, append=False, env=None, cwd=None):
            asked.append(command[-1])
            if "download" in command:
                self.assertIn("APT::Architecture=amd64", command)
                (pathlib.Path(cwd) / "thing_1%3a1.0-1+b2_amd64.deb").write_bytes(content)
            return 0

        asked = []
        with (mock.patch("chorale.process.run_logged", run_logged),
              mock.patch("subprocess.run", return_value=mock.Mock(stdout=stanza))):
            sources.ensure()
            sources.ensure()
        self.assertEqual(asked, ["update", "thing:amd64=1:1.0-1+b2"])
        self.assertEqual(self.unpacked("1.0-1+b2"), {"bin/tool": b"run me"})
        (self.root / "third-party/thing-1.0-1+b2/bin/tool").unlink()
        kept = next((self.root / "third-party/download").iterdir())
        for wrong in (b"", b"!<arch>\n", content[:70], tarball_bytes({"bin/tool": b"run me"})):
            kept.write_bytes(wrong)
            digest = hashlib.sha256(wrong).hexdigest()
            (self.root / "sources.txt").write_text(f"thing:amd64 1:1.0-1+b2 {digest} bin/tool\n")
            with self.assertRaisesRegex(Failure, "cannot be unpacked: it is no Debian package"):
                sources.ensure()

    def test_bad_lines_are_named(self):
        digest = "0" * 64
        for line in ("thing 1.0", f"thing 1.0 {digest}", "thing 1.0 12ab a/*.c", f"../thing 1.0 {digest} a",
                     f"thing 1.0/.. {digest} a", f"thing 1.0 {digest} ../a", f"thing 1.0 {digest} /etc/a"):
            (self.root / "sources.txt").write_text("# words\n" + line + "\n")
            with self.assertRaisesRegex(Failure, "^line 2 of sources.txt is not"):
                sources.wanted_sources()


class ListsTest(unittest.TestCase):
    def test_both_formats_become_lists_of_sources(self):
        self.assertEqual(sources.as_source_list("# words\ndeb [a=b] http://x y z\n deb http://x y z\n"
                                                "deb-src http://x y z\ndeb cdrom:[D] y z\n", True),
                         "deb-src [a=b] http://x y z\ndeb-src http://x y z\n")
        self.assertEqual(sources.as_source_list("Types: deb\nURIs: http://x\n\ntypes: deb deb-src\n", False),
                         "Types: deb-src\nURIs: http://x\n\nTypes: deb-src\n")

    def test_all_lists_are_taken_and_none_is_a_failure(self):
        with tempfile.TemporaryDirectory() as name, mock.patch.object(sources, "APT_CONFIGURATION",
                                                                      pathlib.Path(name)):
            apt, target = pathlib.Path(name), pathlib.Path(name) / "target"
            target.mkdir()
            (apt / "sources.list.d").mkdir()
            (apt / "sources.list.d" / "old.list.save").write_text("deb http://old y z\n")
            with self.assertRaisesRegex(Failure, "no sources list"):
                sources.write_source_lists(target)
            (apt / "sources.list").write_text("deb http://x y z\n")
            (apt / "sources.list.d" / "debian.sources").write_text("Types: deb\n")
            sources.write_source_lists(target)
            self.assertEqual({path.name: path.read_text() for path in target.iterdir()},
                             {"sources.list": "deb-src http://x y z\n", "debian.sources": "Types: deb-src\n"})

    def test_the_projects_own_list_is_valid(self):
        wanted = sources.wanted_sources(support.ROOT / "tools" / "sources.txt")
        self.assertIn("u-boot", [source.package for source in wanted])
        self.assertEqual(len(wanted), len({source.package for source in wanted}))


if __name__ == "__main__":
    unittest.main()
