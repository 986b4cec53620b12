"""tools/cost on small programs whose cost is known."""

import json
import pathlib
import tempfile
import unittest

import support

# Longest way: entry 4 instructions, hot 7, out 2.
X86 = """
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
function helper_too
    {elsewhere}
    ret
"""
# The same in the same numbers.
RISCV = """
.option {relax}
.globl entry
.macro function name
\\name:
.endm
function entry
    li t0, 1
    beqz a0, 1f
    call leaf
    sret
1:  nop
    j hot
function leaf
    ret
function hot
    sltiu t0, a1, 8
    beqz t0, slow
    li t1, 2
    bnez a2, 2f
    {extra}
3:  {leave}
2:  {detour}
    j 3b
function out
    csrw sepc, a3
    sret
function slow
    amoadd.d a0, a0, (a1)
    div a0, a0, a1
    sd a0, (sp)
    unimp
function helper
    ret
function helper_too
    {elsewhere}
    ret
"""


class CostTests:
    """What holds on every architecture. `lock` and `loop` are such instructions."""

    rules = {}

    def cost(self, extra="", detour="nop", limit=13, cold=("slow",), symbols=("entry", "hot", "out"),
             rules=None, **more):
        budget = {"paths": {"call": {"symbols": symbols, "cold_exits": cold, "max_instructions": limit}}}
        budget.update(self.rules if rules is None else rules)
        parts = dict({"extra": extra, "detour": detour, "elsewhere": "", "relax": "norelax",
                      "leave": "j out"}, **more)
        with tempfile.TemporaryDirectory() as directory:
            source = pathlib.Path(directory) / "program.S"
            text = self.program
            for part, code in parts.items():
                text = text.replace("{" + part + "}", code)
            source.write_text(text)
            (pathlib.Path(directory) / "budget.json").write_text(
                json.dumps({"schema": "chorale-cost/2", self.arch: budget}))
            program = support.assemble(directory, source, "-e", "entry", arch=self.arch)
            return support.run(support.ROOT / "tools" / "cost", "--elf", program,
                               "--budget", pathlib.Path(directory) / "budget.json")

    def assert_fault(self, reason, **options):
        done = self.cost(**dict({"limit": 99}, **options))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(reason, done.stdout)

    def assert_kept(self, **options):
        done = self.cost(**options)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def test_counts_the_longest_way_without_cold_exits(self):
        self.assert_kept(limit=13)
        self.assert_fault("13 instructions, budget 12", limit=12)

    def test_a_detour_through_a_cold_exit_is_not_hot(self):
        self.assert_kept(detour=f"call helper; {self.lock}", cold=("slow", "helper"), limit=11)

    def test_forbidden_on_a_path(self):
        for extra, reason in self.forbidden:
            with self.subTest(extra=extra):
                self.assert_fault(reason, extra=extra)
                # Off the path it is nobody's business.
                self.assert_kept(elsewhere=extra)

    def test_forbidden_everywhere(self):
        for code, reason in self.forbidden_everywhere:
            with self.subTest(code=code):
                done = self.cost(elsewhere=code)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertRegex(done.stdout, f"cost: {reason}.* in helper_too: ")

    def test_a_loop_is_no_path(self):
        self.assert_fault("a loop in hot", detour=self.loop)

    def test_missing_symbols_and_ways(self):
        self.assertIn("no such symbol", self.cost(symbols=("entry", "gone", "out")).stdout)
        self.assertIn("no way from entry to out", self.cost(symbols=("entry", "out")).stdout)


class CostOnX86(CostTests, unittest.TestCase):
    arch, program = "x86_64", X86
    lock, loop = "lock incq (%rax)", "4: decl %ecx; jnz 4b"
    forbidden = (("lock incq (%rax)", "a LOCK prefix"), ("xchgq %rax, (%rbx)", "an exchange"),
                 ("xsave (%rax)", "XSAVE"), ("fxsave (%rax)", "XSAVE"), ("xsaveopt (%rax)", "XSAVE"),
                 ("divq %rbx", "a division"), ("idivl %ebx", "a division"), ("wrmsr", "a slow instruction"),
                 ("mfence", "a slow"), ("call helper", "a call"), ("call *%rax", "a call"),
                 ("jz helper", "a way to helper"))
    forbidden_everywhere = (("movaps %xmm0, %xmm1", "floating point"), ("fld1", "floating point"))


class CostOnRiscv(CostTests, unittest.TestCase):
    arch, program = "riscv64", RISCV
    rules = {"no_stack": ["hot"], "reserved_registers": ["t3", "t4", "t5", "t6", "a6", "a7"]}
    lock, loop = "amoadd.d a0, a0, (a1)", "4: addi a0, a0, -1; bnez a0, 4b"
    forbidden = (("amoswap.w a0, a1, (a2)", "an atomic"), ("lr.d a0, (a1)", "a reservation"),
                 ("sc.w.rl a0, a1, (a2)", "a reservation"), ("fence rw, w", "a fence"),
                 ("fence.i", "a fence"),
                 ("div a0, a0, a1", "a division"), ("remuw a0, a0, a1", "a division"), ("ecall", "a call of"),
                 ("sfence.vma", "a slow"), ("csrw satp, a0; nop; sfence.vma", "a slow"),
                 ("csrw satp, a0; sfence.vma; sfence.vma", "a slow"), ("call helper", "a call"),
                 ("jalr t0", "a call"), ("jal t0, helper", "a call"), ("beqz a0, helper", "a way to helper"),
                 ("sd a0, 8(sp)", "a register kept on the stack"), ("c.ldsp a0, 8(sp)", "a register kept"))
    forbidden_everywhere = (
        ("fadd.d f0, f1, f2", "floating point"), ("fld f8, (a0)", "floating point"),
        ("c.fsdsp f8, 8(sp)", "floating point"), ("frcsr a0", "floating point"),
        (".option arch, +v; vsetvli t0, a0, e8, m1, ta, ma", "floating point or vector"),
        ("li t3, 4", "a write to t3"), ("ld t6, (a0)", "a write to t6"), ("c.mv a6, a0", "a write to a6"),
        ("jalr t4, (t0)", "a write to t4"), ("csrr t5, time", "a write to t5"),
        ("amoadd.d a7, a0, (a1)", "a write to a7"))

    def test_what_the_rules_allow(self):
        rules = dict(self.rules, floating_point_in=["help*"], reserved_registers_in=["*_too"])
        self.assert_kept(elsewhere="fld f0, (a0); vs1r.v v0, (a0); frcsr t3; li a7, 1".replace(
            "vs1r", ".option arch, +v; vs1r"), rules=rules)
        self.assert_kept(extra="nop", detour="sd a0, (sp)", rules={})

    def test_reads_of_message_registers(self):
        self.assert_kept(elsewhere="sd t3, (a0); sw a6, (t4); beq t5, a7, 1f; jalr t6; csrw sepc, t3; 1: nop")

    def test_one_flush_behind_a_change_of_space(self):
        self.assert_kept(extra="csrw satp, a0; sfence.vma", limit=13)
        self.assert_kept(extra="csrw satp, a0; sfence.vma zero, a0", limit=13)

    def test_far_jumps(self):
        """auipc and jalr, as `tail` is where the linker may not shorten it."""
        self.assert_kept(leave="tail out", limit=14)
        self.assert_kept(leave="tail out", relax="relax", limit=13)
        self.assert_fault("no way from hot to out", leave="tail helper")
        self.assert_fault("a call", extra="1: auipc t0, 0; jalr ra, 8(t0)")
        # Backwards; entry has a way to the user behind its call.
        done = self.cost(extra="j 9f; .skip 3000; 9: nop", leave="tail entry", symbols=("hot", "entry"))
        self.assertIn("a call in entry", done.stdout)
        self.assertNotIn("no way", done.stdout)

    def test_a_return_to_a_caller_is_no_way(self):
        self.assert_fault("no way from hot to out", leave="ret")
        self.assert_kept(leave="jr t0", limit=13)

    def test_marks_of_the_assembler_are_no_functions(self):
        self.assert_kept(extra=".option relax; .Lone: lla a0, slow; .option norelax; j .Ltwo; .Ltwo: nop",
                         limit=15)


if __name__ == "__main__":
    unittest.main()
