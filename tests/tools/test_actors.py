"""tools/chorale-cc and what it links. The host runs the programs, those for riscv64 by QEMU in user mode.

The architecture is that of CHORALE_TEST_ARCH (x86_64 if there is none); its tree has been built.
"""

import os
import pathlib
import re
import tempfile
import unittest

import support
from chorale import paths

ARCH = os.environ.get("CHORALE_TEST_ARCH", "x86_64")
TREE = paths.tree(ARCH)
SDK = TREE / "sdk"
PROGRAMS = pathlib.Path(__file__).resolve().parent / "actors"
CC, CXX = support.ROOT / "tools" / "chorale-cc", support.ROOT / "tools" / "chorale-c++"
EMULATOR = {"x86_64": [], "riscv64": ["qemu-riscv64-static"]}[ARCH]
MACHINE_NAME = {"x86_64": "X86-64", "riscv64": "RISC-V"}[ARCH]
# What enters the system below a program.
TRAP = {"x86_64": "syscall", "riscv64": "ecall"}[ARCH]


def tool(*command):
    done = support.run(*command)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout


class ActorTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="chorale actors ")
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def make(self, *arguments, driver=CC):
        program = self.scratch / "program"
        tool(driver, "--arch", ARCH, "-O2", "-Wall", "-Werror", *arguments, "-o", program)
        return program

    def run_it(self, program, *arguments, status=0):
        done = support.run(*EMULATOR, program, *arguments)
        self.assertEqual((done.stderr, done.returncode), ("", status))
        return done.stdout


class Programs(ActorTest):
    def assert_static(self, program, kind):
        text = tool("llvm-readelf-19", "--file-header", "--program-headers", "--dynamic-table", program)
        self.assertRegex(text, rf"Type: +{kind}\b")
        self.assertRegex(text, f"Machine: +.*{MACHINE_NAME}")
        self.assertNotRegex(text, r"INTERP|NEEDED")
        for flags in re.findall(r"LOAD\s.* ([R ][W ][E ]) 0x", text):
            self.assertNotEqual(flags, "RWE")

    def test_c(self):
        for options, kind in ((), "EXEC"), (("-pie",), "DYN"), (("-static-pie", "-O0"), "DYN"):
            program = self.make(*options, PROGRAMS / "library.c")
            self.assert_static(program, kind)
            self.assertEqual(self.run_it(program, status=3),
                             "xxxxx 40000 7 0\n1.414214 0.125 0x1p-1   -42|\n")

    def test_cpp(self):
        for driver in (CC, CXX):
            program = self.make(PROGRAMS / "library.cpp", driver=driver)
            self.assert_static(program, "EXEC")
            self.assertEqual(self.run_it(program), "caught in thread 8, 7\n")

    def test_objects_and_old_c(self):
        source = self.scratch / "old.c"
        source.write_text('main()\n{\n    printf("%d\\n", (int) strlen("old"));\n    return 0;\n}\n')
        made = self.scratch / "old.o"
        self.assertIn("warning", support.run(CC, "--arch", ARCH, "-c", source, "-o", made).stderr)
        self.assertEqual(self.run_it(self.make(made)), "3\n")

    def test_calls_of_the_actor_manager(self):
        self.assertEqual(self.run_it(self.make(PROGRAMS / "afexec.c")), """\
/x/prog a | the=caller's
13
/x/prog a b c | the=caller's
13
/x/prog a | only=this
13
/x/prog zero one | the=caller's
13
no /a/prog
no prog
/closed/prog a b | the=caller's
13
no /a/prog
no prog
no /closed/prog
-1 1
no /bin/prog
-1 1
no ./prog
-1
26 3 1
0 zero,,two,1,A=1,1
-1 1
-1
-1
0 1
100 010 001 52 11 5
""")

    def test_threads_of_the_nucleus_know_the_c_library(self):
        program = self.make(PROGRAMS / "threads.c", PROGRAMS / f"go_to_{ARCH}.S")
        round_of_three = "".join(f"raw {lid} of the own, inactive\n0 {lid}\n" for lid in (1, 2, 3)) + "0\n"
        self.assertEqual(self.run_it(program), 2 * round_of_three + """\
raw 1 of another actor, active
0
120000 6 7
""")

    def test_the_examples(self):
        self.assertEqual(self.run_it(TREE / "bin" / "5-3", "Welcome newly created actor!"),
                         "My spawning actor passed me this argument: Welcome newly created actor!\n")
        text = self.scratch / "text"
        text.write_text("first line\nsecond\n")
        text.chmod(0o640)
        self.assertEqual(self.run_it(TREE / "bin" / "5-2", text),
                         "File size is 18 mode 0x81a0\nfirst line\nsecond\n\n")


class Driver(ActorTest):
    def refused(self, *arguments, **environment):
        done = support.run(CC, *arguments, **environment)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        return done.stderr

    def test_says_what_to_do(self):
        self.assertIn("--arch x86_64 or --arch riscv64", self.refused("--arch", "vax", "a.c"))
        self.assertIn("there is no machine pdp11", self.refused("a.c", CHORALE_ARCH="pdp11"))
        self.assertIn("--arch needs a value", self.refused("--arch"))
        self.assertIn(f"./chorale setup && cmake --preset {ARCH}",
                      self.refused("--arch", ARCH, "--sysroot", self.scratch, "a.c"))
        self.assertIn("without shared libraries", self.refused("-shared", "a.c"))
        self.assertIn("for C programs, and without -pie", self.refused("--embedded", "a.cpp"))
        self.assertIn("for C programs, and without -pie", self.refused("-S", "-pie", "a.c"))

    def test_help_and_versions_need_no_program(self):
        self.assertIn("usage: chorale-cc", tool(CC, "--help"))
        self.assertIn("clang version 19", tool(CC, "--arch", ARCH, "--version"))

    def test_tool_chain_file(self):
        (self.scratch / "CMakeLists.txt").write_text(f"""\
cmake_minimum_required(VERSION 3.25)
project(program C CXX)
find_package(Threads REQUIRED)
add_executable(c {PROGRAMS.as_posix()}/library.c)
add_executable(cpp {PROGRAMS.as_posix()}/library.cpp)
target_link_libraries(c m Threads::Threads)
target_link_libraries(cpp Threads::Threads)
""")
        build = self.scratch / "build"
        toolchain = support.ROOT / "tools" / "cmake" / "chorale-actor.cmake"
        tool("cmake", "-G", "Ninja", "-S", self.scratch, "-B", build, f"-DCMAKE_TOOLCHAIN_FILE={toolchain}",
             f"-DCHORALE_ARCH={ARCH}")
        tool("ninja", "-C", build)
        self.assertIn("40000", self.run_it(build / "c", status=3))
        self.assertIn("caught", self.run_it(build / "cpp"))


class Libraries(ActorTest):
    def defined(self, archive):
        lines = tool("llvm-nm-19", "--defined-only", "--extern-only", "--no-sort", archive).splitlines()
        return {line.split()[2] for line in lines if len(line.split()) == 3}

    def test_no_name_is_two_libraries(self):
        chorus, musl = self.defined(SDK / "lib" / "libchorus.a"), self.defined(SDK / "lib" / "libc.a")
        self.assertLessEqual({"ipcCall", "threadCreate", "threadCreateRaw", "afexecve", "mutexGet"}, chorus)
        self.assertEqual(chorus & musl, set())

    def test_headers_stand_alone(self):
        top = SDK / "chorus" / "include"
        headers = sorted(str(path.relative_to(top)) for path in top.rglob("*.h"))
        self.assertIn("am/afexec.h", headers)
        for driver, kind in ((CC, "c"), (CXX, "c++")):
            source = self.scratch / f"header.{kind.replace('+', 'p')}"
            for name in headers:
                if name == "chorus/stat.h" and kind == "c++":
                    continue
                # Each twice, and what it needs must be in it.
                source.write_text(f"#include <{name}>\n#include <{name}>\n")
                tool(driver, "--arch", ARCH, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", source)

    def members_that_trap(self, archive):
        member, found = "", set()
        for line in tool("llvm-objdump-19", "-d", "--no-show-raw-insn", archive).splitlines():
            if match := re.search(r"\((\S+)\):\s+file format", line):
                member = match.group(1)
            elif re.search(rf"\t{TRAP}\b", line):
                found.add(member)
        return found

    def test_the_embedded_library_asks_the_nucleus_only(self):
        self.assertEqual(self.members_that_trap(SDK / "embedded" / "lib" / "libembedded.a"),
                         {"stubs.cpp.obj", "message.S.obj"})
        for name in ("libembedded.a", "libchorus.a"):
            self.assertEqual(self.members_that_trap(SDK / "supervisor" / "lib" / name), set())

    def test_boot_actors_that_need_more_do_not_link(self):
        source = self.scratch / "socket.c"
        source.write_text("#include <sys/socket.h>\nint main(void) { return socket(1, 1, 0); }\n")
        done = support.run(CC, "--arch", ARCH, "--embedded", source, "-o", self.scratch / "socket")
        self.assertIn("undefined symbol: socket", done.stderr)


if __name__ == "__main__":
    unittest.main()
