"""tools/gate: each rule finds what it should, and leaves alone what it should."""

import pathlib
import subprocess
import tempfile
import unittest

import support


class GateTest(unittest.TestCase):
    def gate(self, files):
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run(["git", "init", "-q", directory], check=True)
            for name, text in files.items():
                path = pathlib.Path(directory) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return support.run(support.ROOT / "tools" / "gate", "--root", directory)

    def assert_found(self, name, text, *places):
        """`places` are what must be printed, `line: start of message`, and nothing else."""
        done = self.gate({name: text})
        found = done.stdout.splitlines() if done.returncode else []
        self.assertEqual(len(found), len(places), done.stdout)
        for line, place in zip(found, places):
            self.assertTrue(line.startswith(f"{name}:{place}"), line)

    def body(self, lines):
        return "{\n" + "    step();\n" * (lines - 2) + "}\n"

    def test_the_checkout_itself_needs_no_git_when_named(self):
        done = support.run(support.ROOT / "tools" / "gate", "--path", support.ROOT / "tools" / "chorale")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_machines_have_the_same_headers(self):
        def header(machine, name):
            return f"arch/{machine}/include/machine/{name}.hpp"

        same = {"arch/a/link.ld": "", "arch/b/link.ld": "", header("a", "cpu"): "int a;\n",
                header("b", "cpu"): "int b;\n", "arch/host/cpu.cpp": "int c;\n"}
        self.assertEqual(self.gate(same).returncode, 0)
        for more, place in ((header("a", "mmu"), header("b", "mmu") + ":1: missing"),
                            (header("host", "only"), header("host", "only") + ":1: no machine")):
            with self.subTest(more=more):
                done = self.gate({**same, more: "int d;\n"})
                self.assertEqual(done.returncode, 1)
                self.assertTrue(done.stdout.startswith(place), done.stdout)

    def test_patches_fit(self):
        patch = "A bug.\n\n--- a/kernel/a.cpp\n+++ b/kernel/a.cpp\n@@ -1,1 +1,1 @@\n-int a;\n+int b;\n"
        name = "tests/planted/bug.patch"
        self.assertEqual(self.gate({"kernel/a.cpp": "int a;\n", name: patch}).returncode, 0)
        for text, message in ((patch, "does not fit kernel/a.cpp"), ("nothing\n", "no line `--- a/FILE`")):
            done = self.gate({"kernel/a.cpp": "int c;\n", name: text})
            self.assertEqual((done.returncode, done.stdout), (1, f"{name}:1: {message}\n"))

    def test_sizes(self):
        self.assert_found("kernel/a.cpp", "int a;\n" * 500)
        self.assert_found("kernel/a.cpp", "int a;\n" * 501, "501: file of 501 lines")
        self.assert_found("kernel/a.cpp", "//" + "x" * 109, "1: 111 columns")
        self.assert_found("docs/a.md", "x" * 300)

    def test_function_length(self):
        self.assert_found("kernel/a.cpp", "void f() " + self.body(60))
        self.assert_found("kernel/a.cpp", "int x;\nvoid f() " + self.body(61), "2: function of 61 lines")
        self.assert_found("kernel/a.cpp", "// long: a table\nvoid f() " + self.body(100))
        self.assert_found("kernel/a.cpp", "// long: a table\nvoid f() " + self.body(101), "2: function of")
        self.assert_found("tools/a.py", "def f():\n" + "    x = 1\n" * 60, "1: function of 61")

    def test_functions_are_found_where_they_are(self):
        cases = [("namespace n {\nclass C : B<int> {\npublic:\n", "};\n}\n", 3),
                 ('extern "C" {\n', "}\n", 2),
                 ("struct S {\n    int a{3};\n    S() : a{1}, b{2}\n", "};\n", 3),
                 ("constexpr char s[] = {1, 2};\n", "", 2),
                 ("LIST(ENTRY)\nnamespace n {\nLIST(ENTRY);\nint b;\n", "}\n", 5)]
        for before, after, line in cases:
            head = "" if before.endswith("b{2}\n") else "[[nodiscard]] bool operator()(int x = f(1)) const "
            text = before + head + self.body(70) + after
            with self.subTest(before=before):
                done = self.gate({"kernel/a.cpp": text})
                self.assertIn(f"kernel/a.cpp:{line}: function of 7", done.stdout)
                self.assertEqual(len(done.stdout.splitlines()), 1, done.stdout)

    def test_data_and_scopes_have_no_length(self):
        for text in ("namespace n {\n" + "int a;\n" * 80 + "}\n", "int t[] = {\n" + "1,\n" * 80 + "};\n",
                     "struct alignas(64) S {\n" + "int a;\n" * 80 + "};\n",
                     "LIST(ENTRY)\nnamespace {\n" + "int a;\n" * 80 + "}\n",
                     "LIST(ENTRY)\nstruct S : B {\n" + "int a;\n" * 80 + "};\n",
                     "enum class E : int {\n" + "a,\n" * 80 + "};\n"):
            self.assert_found("kernel/a.cpp", text)

    def test_braces_in_text_do_not_count(self):
        text = 'void f() {\n    put("{", \'{\', R"x({{)x", 1\'000);  // {\n}\nint a;\n'
        self.assert_found("kernel/a.cpp", text + "int b;\n" * 80)

    def test_conditions(self):
        arch = "#if defined(__x86_64__)\nint a;\n#endif\n"
        self.assert_found("lib/a.hpp", arch, "1: a preprocessor condition on the architecture")
        self.assert_found("arch/x86_64/a.hpp", arch)
        self.assert_found("kernel/a.hpp", "#ifndef A_H\n#define A_H\nint a;\n#endif\n")
        self.assert_found("kernel/a.hpp", "#pragma once\n#ifdef D\n#else\n#endif\n", "2: #ifdef", "3: #else")
        self.assert_found("lib/a.hpp", "#ifdef DEBUG\n#endif\n")

    def test_assembly(self):
        text = 'void f() { asm volatile("nop"); }\n'
        self.assert_found("kernel/a.cpp", text, "1: assembly outside")
        self.assert_found("arch/x86_64/a.cpp", text)
        self.assert_found("lib/arch/x86_64/a.S", "nop\n")
        self.assert_found("lib/a.S", "nop\n", "1: an assembly file")
        self.assert_found("fastpath/a.cpp", text, "1: assembly outside")
        self.assert_found("fastpath/a.cpp", "// gate: asm\n" + text)
        self.assert_found("kernel/a.cpp", "// asm\nconst char* s = \"asm\";\n")

    def test_layers(self):
        self.assert_found("kernel/a.cpp", '#include "arch/x86_64/a.hpp"\n', "1: kernel/ includes arch/")
        self.assert_found("kernel/ipc/a.cpp", '#include "../../fastpath/a.hpp"\n', "1: kernel/ includes fast")
        self.assert_found("kernel/a.cpp", '#include <machine/cpu.hpp>\n#include <span>\n')
        self.assert_found("include/chorus/a.h", '#include "kernel/base/a.hpp"\n', "1: include/ includes")
        self.assert_found("arch/x86_64/a.cpp", '#include "fastpath/a.hpp"\n')
        self.assert_found("actors/a.cpp", '#include "kernel/base/a.hpp"\n', "1: actors/ includes")
        self.assert_found("bench/a.cpp", '#include "kernel/base/a.hpp"\n', "1: bench/ includes")
        self.assert_found("bench/host/a.cpp", '#include "kernel/base/a.hpp"\n')

    def test_honesty(self):
        word = "TO" + "DO"
        self.assert_found("kernel/a.cpp", f"// {word}: later\n", "1: a reminder")
        self.assert_found("kernel/a.cpp", f"// {word}(#12): later\n")
        load = "int f() { return a.load(std::memory_order_acquire); }\n"
        self.assert_found("kernel/a.cpp", "int b;\n" * 4 + load, "5: memory_order_acquire without")
        self.assert_found("kernel/a.cpp", "// pairs with g()\nint b;\nint c;\n" + load)
        self.assert_found("kernel/a.cpp", "// pairs with g()\nint b;\nint c;\nint d;\n" + load, "5: memory")
        self.assert_found("kernel/a.cpp", load.replace("acquire", "seq_cst"))


if __name__ == "__main__":
    unittest.main()
