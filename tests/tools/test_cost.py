"""tools/cost on small programs whose cost is known."""

import json
import pathlib
import tempfile
import unittest

import support

# entry (3 on the way to hot) -> hot (4 or 6) -> out (2)
PROGRAM = """
.macro function name
    .globl \\name
\\name:
.endm
function entry
    testl %eax, %eax
    jz 1f
    call leaf
    sysretq
1:  nop
    jmp hot
function leaf
    ret
function hot
    cmpq $8, %rdx
    ja slow
    testl %ecx, %ecx
    jnz 2f
    {extra}
3:  jmp out
2:  {detour}
    jmp 3b
function out
    swapgs
    sysretq
function slow
    lock incq (%rax)
    divq %rcx
    ud2
function helper
    ret
"""


class CostTest(unittest.TestCase):
    def cost(self, extra="", detour="nop", limit=13, cold=("slow",), symbols=("entry", "hot", "out")):
        budget = {"schema": "chorale-cost/1", "paths": {
            "call": {"symbols": symbols, "cold_exits": cold, "max_instructions": limit}}}
        with tempfile.TemporaryDirectory() as directory:
            source = pathlib.Path(directory) / "program.S"
            source.write_text(PROGRAM.replace("{extra}", extra).replace("{detour}", detour))
            (pathlib.Path(directory) / "budget.json").write_text(json.dumps(budget))
            program = support.assemble(directory, source, "-e", "entry")
            return support.run(support.ROOT / "tools" / "cost", "--elf", program,
                               "--budget", pathlib.Path(directory) / "budget.json")

    def test_counts_the_longest_way_without_cold_exits(self):
        # entry: test, jz, nop, jmp; hot: cmp, ja, test, jnz, nop, jmp, jmp; out: swapgs, sysret
        self.assertEqual(self.cost(limit=13).returncode, 0)
        done = self.cost(limit=12)
        self.assertEqual(done.returncode, 1)
        self.assertIn("13 instructions, budget 12", done.stdout)

    def test_a_detour_through_a_cold_exit_is_not_hot(self):
        done = self.cost(detour="call helper; lock incq (%rax)", cold=("slow", "helper"), limit=11)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_forbidden_instructions(self):
        for extra, reason in (("lock incq (%rax)", "a LOCK prefix"), ("xchgq %rax, (%rbx)", "an exchange"),
                              ("xsave (%rax)", "XSAVE"), ("fxsave (%rax)", "XSAVE"),
                              ("divq %rbx", "a division"), ("idivl %ebx", "a division"),
                              ("wrmsr", "a slow instruction"),
                              ("call helper", "a call"), ("call *%rax", "a call"), ("mfence", "a slow"),
                              ("jz helper", "a way to helper"), ("xsaveopt (%rax)", "XSAVE"),
                              ("movaps %xmm0, %xmm1", "floating point")):
            with self.subTest(extra=extra):
                done = self.cost(extra=extra, limit=99)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(reason, done.stdout)

    def test_a_loop_is_no_path(self):
        done = self.cost(detour="4: decl %ecx; jnz 4b", limit=99)
        self.assertEqual(done.returncode, 1)
        self.assertIn("a loop in hot", done.stdout)

    def test_missing_symbols_and_ways(self):
        self.assertIn("no such symbol", self.cost(symbols=("entry", "gone", "out")).stdout)
        self.assertIn("no way from entry to out", self.cost(symbols=("entry", "out")).stdout)


if __name__ == "__main__":
    unittest.main()
