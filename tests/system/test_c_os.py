"""Programs under C_OS: those of tests/programs check themselves; the system ends with the first of them."""

import unittest

from support import LEAN, TREE, SystemTest, bank, cpio_entry, qemu

BANK = TREE / "c_os_bank.cpio"


class Programs(SystemTest):
    def run_program(self, *words, **options):
        return self.boot(append=f"{LEAN} init={','.join(words)}", bank=BANK, **options)

    def assert_program_passed(self, run, name):
        self.assertFalse(run.matches("FAILED"), run.text)
        self.assert_says(run, f"^{name}: passed$")
        self.assertTrue(run.outcome.ended_with(qemu.EXIT_PASS), run.text)

    def test_everyday(self):
        self.assert_program_passed(self.run_program("/bin/test_everyday", "one", "two"), "everyday")

    def test_a_program_that_can_be_anywhere(self):
        self.assert_program_passed(self.run_program("/bin/test_anywhere", "one", "two"), "everyday")

    def test_memory(self):
        self.assert_program_passed(self.run_program("/bin/test_memory"), "memory")

    def test_mappings(self):
        for cpus in (1, 4):
            with self.subTest(cpus=cpus):
                self.assert_program_passed(self.run_program("/bin/test_mappings", cpus=cpus), "mappings")

    def test_threads(self):
        for cpus in (1, 4):
            with self.subTest(cpus=cpus):
                self.assert_program_passed(self.run_program("/bin/test_threads", cpus=cpus), "threads")

    def test_actors(self):
        for cpus in (1, 4):
            with self.subTest(cpus=cpus):
                self.assert_program_passed(self.run_program("/bin/test_actors", cpus=cpus), "actors")

    def test_a_supervisor_actor(self):
        self.assert_program_passed(self.run_program("/bin/test_supervisor"), "supervisor")


class UsingActors(SystemTest):
    """The examples of the manual's chapter, as it prints them."""

    def run_example(self, number):
        run = self.boot(append=f"{LEAN} init=/bin/{number}", bank=BANK)
        self.assertTrue(run.outcome.ended_with(qemu.EXIT_PASS), run.text)
        return run

    def test_5_1(self):
        self.assert_says(self.run_example("5-1"), "^This actor is running as a user actor$")

    def test_5_2(self):
        run = self.boot(append=f"{LEAN} init=/bin/5-2,/image/sys_bank/bin/5-1", bank=BANK)
        self.assert_says(run, "^File size is [0-9]+ mode 0x816d$")

    def test_5_3(self):
        run = self.run_example("5-3")
        self.assert_says(run, "^I succeeded creating actor whose aid is 3$")
        self.assert_says(run, "^My spawning actor passed me this argument: Welcome newly created actor!$")


class Busybox(SystemTest):
    """A Linux program as it is: its applets that need no other process."""

    @classmethod
    def setUpClass(cls):
        cls.bank = bank(cpio_entry("C_OS.r", (TREE / "bank" / "C_OS.r").read_bytes()),
                        cpio_entry("bin/busybox", (TREE / "bin" / "busybox").read_bytes()),
                        cpio_entry("data/lines", b"b 2\na 1\nc 3\n", 0o100644))

    def applet(self, *words, succeeds=True):
        run = self.boot(append=f"{LEAN} init={','.join(('/bin/busybox', *words))}", bank=self.bank)
        wanted = qemu.EXIT_PASS if succeeds else qemu.EXIT_FAIL
        self.assertTrue(run.outcome.ended_with(wanted), run.text)
        return run

    def assert_prints(self, words, *patterns):
        run = self.applet(*words)
        for pattern in patterns:
            self.assert_says(run, pattern)

    def test_looks_at_files(self):
        lines = "/image/sys_bank/data/lines"
        self.assert_prints(("cat", lines), "^b 2$", "^a 1$", "^c 3$")
        self.assert_prints(("ls", "-l", lines), r"^-r-xr-xr-x .* 12 .*lines$")
        self.assert_prints(("wc", lines), r"^ +3 +6 +12 /image")
        self.assert_prints(("sort", lines), "^a 1$")
        self.assert_prints(("grep", "[ac]", lines), "^a 1$", "^c 3$")
        self.assert_prints(("sed", "s/2/two/", lines), "^b two$")
        self.assert_prints(("awk", "{n+=$2}END{print(n/4)}", lines), r"^1\.5$")
        self.assert_prints(("md5sum", lines), "^d208a499c69d73cc4066e51193bc6a1f  /image")
        self.assert_prints(("hexdump", "-C", lines), "^00000000  62 20 32 0a")
        self.assert_prints(("find", "/bin"), "^/bin/busybox$")

    def test_changes_files(self):
        lines = "/image/sys_bank/data/lines"
        self.applet("cp", lines, "/tmp/copy")
        self.applet("mkdir", "-p", "/tmp/one/two/three")
        self.applet("tar", "cf", "/tmp/all.tar", lines)
        self.applet("dd", "if=/dev/urandom", "of=/tmp/random", "bs=64k", "count=32")
        self.applet("gzip", "-c", lines)
        self.applet("rm", "/tmp/nothing", succeeds=False)
        self.applet("mv", lines, "/tmp/moved", succeeds=False)  # the bank stays as it is

    def test_date_and_sleep(self):
        self.assert_prints(("date", "+%Y"), "^20[0-9][0-9]$")
        self.applet("sleep", "1")


class BadStarts(SystemTest):
    def assert_not_started(self, program, error):
        run = self.boot(append=f"{LEAN} init={program}", bank=BANK)
        self.assert_says(run, f"^C_OS: {program}: not started: error {error}$")
        self.assertTrue(run.outcome.ended_with(qemu.EXIT_FAIL), run.text)

    def test_nothing_there(self):
        self.assert_not_started("/bin/nothing", 2)

    def test_no_file(self):
        self.assert_not_started("/tmp", 13)


if __name__ == "__main__":
    unittest.main()
