"""The command line: verbs, options, their help, and what happens when something fails."""

import argparse
import difflib
import os
import re
import signal
import sys

from chorale import arch, bench, coverage, debug, fuzz, host_bench, image, paths, qemu, report, run, setup
from chorale import sources, survey, test, trace
from chorale.errors import Failure, UsageError

MAX_CPUS = 64
TAIL_LINES = 30

OVERVIEW = """\
Chorale's command: sets up this machine, builds, boots, measures and tests the system.

verbs:
  bench     boot, run ipcbench between protected actors, print what it measured
  test      build everything, run the host tests, the gates and the target tests of every architecture
  run       boot with this terminal as the console
  trace     boot, run a command, show its calls, messages and switches in a viewer or as text
  image     build what a machine boots (--iso for BIOS and UEFI machines, --uboot for RISC-V boards)
  debug     boot stopped at the first instruction, with gdb attached
  fuzz      let the fuzzers look for inputs that break the nucleus, and keep what they learn
  coverage  how much of the nucleus the host tests and the fuzzers' inputs reach
  setup     install the missing Debian packages and fetch third-party sources (each verb does so first)

Each verb explains itself: ./chorale bench --help
Logs are in build/logs/. Exit status: 0 success, 1 failure, 2 wrong usage, 130 interrupted."""

EXAMPLES = {
    "bench": """examples:
  ./chorale bench                        4 CPUs, all results
  ./chorale bench --count                exact instruction counts, checked against bench/budgets.json
  ./chorale bench --arch riscv64 --count the same for RISC-V
  ./chorale bench --cpus 8 --json out.json
  ./chorale bench --profile ipc.rt.cross_cpu.polling.w4
  ./chorale bench --lines ipc.rt.scale.pairs4.w4   no cache line is written by two CPUs on the local path
  ./chorale bench --bench ipc.rt.same_cpu.two_spaces.w4
  ./chorale bench --count --bench latency --events 1000000 --timeout 3600
  ./chorale bench --fastpath off         what the slow path costs
  ./chorale bench --report               one HTML page of everything, every machine: build/report/report.html
  ./chorale bench --report page.html --from a.json b.json
  ./chorale bench host                   the nucleus's parts in cycles of this computer
  ./chorale bench host --filter mailbox""",
    "test": """examples:
  ./chorale test                         everything
  ./chorale test --arch riscv64          the host tests and those of one architecture
  ./chorale test --filter Mailbox        tests whose name matches a regular expression
  ./chorale test --sim-seeds 1000000 --filter "^sim"   a night of simulated runs
  ./chorale test --programs 100000 --filter equivalence   with the fast path and without: no difference
  ./chorale test --stress 3600           an hour of the SMP stress instead of its default 20 seconds
  ./chorale test --fastpath off          the same suites through the slow path""",
    "run": """examples:
  ./chorale run                          the console: type help; leave with shutdown -i 0, or Ctrl-A x
  ./chorale run --arch riscv64           a RISC-V machine, started by OpenSBI
  ./chorale run --cpus 1 --bank build/x86_64/sys_bank.cpio --append "bench=null_call"
  ./chorale run --bank build/x86_64/examples.cpio   two actors of one's own (docs/first-actor.md)
  ./chorale run --memory 1G --fastpath off""",
    "trace": """examples:
  ./chorale trace                        a client and a server: build/report/trace-x86_64.json
  ./chorale trace --arch riscv64 -- ipcping --count 5
  ./chorale trace --text --actor hello --program hello -- hello one two
  ./chorale trace --events calls,messages -o calls.json -- chorusStat --cpus
  ./chorale trace --before 'arun -q ipcrecv -q -g 9 &' --before 'sleep 1' \\
      -- ipcsend 0004800000000000:0000000000000009 a message""",
    "image": """examples:
  ./chorale image                        build/x86_64/chorale.elf and its bank
  ./chorale image --iso                  build/x86_64/chorale.iso, bootable by BIOS and UEFI
  ./chorale image --iso --append "cpus=2"
  ./chorale image --arch riscv64 --uboot build/riscv64/uboot, for a TFTP server or a disc""",
    "debug": """examples:
  ./chorale debug                        then, in gdb: hbreak FUNCTION, continue, chorale help
  ./chorale debug --cpus 1 --append "bench=same"
  ./chorale debug --after 2 --batch "chorale threads" --batch "chorale backtrace all" """,
    "fuzz": """examples:
  ./chorale fuzz                         each target for a minute
  ./chorale fuzz cpio --time 3600 --jobs 2
  ./chorale fuzz elf --report            and what its corpus reaches, as HTML
  ./chorale fuzz cpio --replay FILE      one input, such as a crash left in build/fuzz/cpio/crashes
  ./chorale fuzz acpi --minimise         as few inputs in fuzz/corpus/acpi as reach the same""",
    "coverage": """examples:
  ./chorale coverage                     a table by folder, pages in build/coverage""",
    "setup": """examples:
  ./chorale setup
  CI=true ./chorale setup                never asks (as root it never does)""",
}


class Parser(argparse.ArgumentParser):
    """Errors are one line with a hint, and end the program with status 2."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, allow_abbrev=False,
                         formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message):
        message = message.removeprefix("argument ")
        raise UsageError(f"{self.prog}: {message} (try: {self.prog} --help)")

    def parse_args(self, args=None, namespace=None):
        known, unknown = self.parse_known_args(args, namespace)
        if unknown:
            verb = getattr(known, "parser", self)
            # pylint: disable-next=protected-access  (argparse has no public list of its options)
            near = difflib.get_close_matches(unknown[0].split("=")[0], verb._option_string_actions, 1)
            hint = f", did you mean {near[0]}?" if near else ""
            verb.error(f"unknown {'option' if unknown[0].startswith('-') else 'argument'} {unknown[0]}{hint}")
        return known


def number(low, high):
    def convert(text):
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low} to {high}")
        return int(text)
    return convert


def memory(text):
    megabytes = qemu.megabytes(text) if re.fullmatch(r"[1-9][0-9]{0,6}[MG]", text) else 0
    if not 16 <= megabytes <= 1 << 20:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size from 16M to 1024G, such as 512M or 2G")
    return text


def regular_expression(text):
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a regular expression: {error}") from error
    return text


def bench_name(text):
    return text if text in report.GROUPS else result_name(text, report.GROUPS)


def result_name(text, groups=()):
    if not report.group_of(text):
        near = difflib.get_close_matches(text, [*groups, *report.result_names()], 1)
        hint = f", did you mean {near[0]}?" if near else " (./chorale bench prints them)"
        others = f" nor one of {', '.join(groups)}" if groups else ""
        raise argparse.ArgumentTypeError(f"{text!r} is no result's name{others}{hint}")
    return text


def events_list(text):
    wrong = [word for word in text.split(",") if word not in trace.EVENTS]
    if wrong:
        near = difflib.get_close_matches(wrong[0], trace.EVENTS, 1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise argparse.ArgumentTypeError(f"{wrong[0]!r} is none of {','.join(trace.EVENTS)}{hint}")
    return text


def output_file(text):
    """Refused now rather than after the run."""
    directory = os.path.dirname(os.path.abspath(text))
    if os.path.isdir(text) or not os.path.isdir(directory) or not os.access(directory, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text!r} is not a file that can be written")
    return text


def page_file(text):
    return output_file(text) if text else text


def input_file(text):
    if not os.path.isfile(text) or not os.access(text, os.R_OK):
        raise argparse.ArgumentTypeError(f"{text!r} is not a file that can be read")
    return text


def function_name(text):
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_:]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no function's name, such as chorale::leave")
    return text


def command_words(text):
    try:
        return image.checked_append(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_machine_options(parser, cpus=4, memory_default="512M"):
    parser.add_argument("--cpus", metavar="N", type=number(1, MAX_CPUS), default=cpus,
                        help=f"CPUs of the machine, 1 to {MAX_CPUS}"
                             + (f" (default {cpus})" if cpus else " (default: what each test names)"))
    parser.add_argument("--memory", metavar="M", type=memory, default=memory_default,
                        help="its memory, 512M or 2G for instance"
                             + (f" (default {memory_default})" if memory_default else ""))
    parser.add_argument("--fastpath", choices=("on", "off"), help="the register fast path for small messages")


def add_bank(sub):
    sub.add_argument("--bank", metavar="FILE", default="",
                     help="boot the actors of this archive, such as build/x86_64/examples.cpio, "
                          "instead of the usual ones")


def add_append(parser):
    parser.add_argument("--append", metavar="WORDS", type=command_words, default="",
                        help="more words for the nucleus's command line, in quotes")


def check_verb(arguments):
    """argparse's own message lists the verbs but names no likely one."""
    if arguments and not arguments[0].startswith("-") and arguments[0] not in EXAMPLES:
        near = difflib.get_close_matches(arguments[0], EXAMPLES, 1)
        hint = f"did you mean {near[0]}?" if near else "verbs: " + ", ".join(EXAMPLES)
        raise UsageError(f"./chorale: unknown verb {arguments[0]!r}, {hint} (try: ./chorale --help)")


def check_bench(options):
    host_bench.check_usage(options)
    survey.check_usage(options)
    bench.check_usage(options)


def measure(options):
    if options.machine == "host":
        return host_bench.run(options)
    return bench.run(options) if options.report is None else survey.run(options)


def add_bench_options(sub):
    add_machine_options(sub)
    sub.set_defaults(check=check_bench)
    sub.add_argument("machine", metavar="host", nargs="?",
                     help="measure the nucleus's own code at full speed in a Linux process instead")
    sub.add_argument("--filter", metavar="REGEX", type=regular_expression,
                     help="with host: only the benchmarks whose name matches")
    sub.add_argument("--count", action="store_true",
                     help="count instructions exactly, split into nucleus and user, and check the budgets")
    sub.add_argument("--bench", metavar="NAME", type=bench_name, default="all",
                     help=", ".join(report.GROUPS) + ", or one result's name (default all)")
    sub.add_argument("--events", metavar="N", type=number(1, 10_000_000),
                     help="with --count: how many wakes the latency benchmark counts (default 100000, with "
                          "all others 3000)")
    sub.add_argument("--profile", metavar="NAME", type=result_name,
                     help="show where the instructions of one result are, function by function")
    sub.add_argument("--lines", metavar="NAME", type=result_name,
                     help="show which cache lines several CPUs write during one result's round trips")
    sub.add_argument("--json", metavar="FILE", type=output_file,
                     help="write the results as chorale-bench/1 (with host: as Google Benchmark does)")
    sub.add_argument("--report", metavar="FILE", nargs="?", const="", type=page_file,
                     help="measure everything on every machine and write one HTML page of it "
                          "(default build/report/report.html)")
    sub.add_argument("--from", metavar="JSON", nargs="+", dest="from_", type=input_file,
                     help="with --report: no runs, but the JSON files of earlier ones")
    sub.add_argument("--host-json", metavar="FILE", type=input_file,
                     help="with --report: the host's results from this file of Google Benchmark's JSON")
    sub.add_argument("--timeout", metavar="S", type=number(1, 86400), default=120,
                     help="seconds after which a guest that has not ended is stopped (default 120)")


def add_test_options(sub):
    sub.add_argument("--sim-seeds", metavar="N", type=number(1, 100_000_000),
                     help="how many simulated runs (default 10000)")
    sub.add_argument("--programs", metavar="N", type=number(1, 100_000_000),
                     help="how many random programs run with the fast path and without it (default 4000)")
    sub.add_argument("--stress", metavar="SECONDS", type=number(1, 86400),
                     help="how long the SMP stress runs (default 20)")
    sub.add_argument("--filter", metavar="REGEX", type=regular_expression,
                     help="only the tests whose name matches")


def add_fuzz_options(sub):
    sub.set_defaults(check=fuzz.check_usage)
    sub.add_argument("target", nargs="?", help="one of them (default: all in turn)")
    sub.add_argument("--time", metavar="SECONDS", type=number(1, 864000), default=60,
                     help="how long each target runs (default 60)")
    sub.add_argument("--jobs", metavar="N", type=number(1, MAX_CPUS), default=1,
                     help="processes that share the work on a target (default 1)")
    sub.add_argument("--replay", metavar="FILE", type=input_file, help="run the target on this input alone")
    sub.add_argument("--minimise", action="store_true",
                     help="afterwards replace the target's corpus by as few inputs as reach the same")
    sub.add_argument("--report", action="store_true",
                     help="afterwards show what the corpora reach, with HTML pages in build/coverage/fuzz")


def add_trace_options(sub):
    sub.set_defaults(check=trace.check_usage)
    add_machine_options(sub, cpus=2)
    sub.add_argument("command", metavar="COMMAND", nargs="*",
                     help="a program of the console's and its words, behind -- "
                          "(default: ipcping to an ipcrecv)")
    sub.add_argument("-o", "--output", metavar="FILE", type=output_file,
                     help="write the trace there "
                          "(default build/report/trace-ARCH.json; with --text: the screen)")
    sub.add_argument("--text", action="store_true",
                     help="a line for each event instead of a file for a viewer")
    sub.add_argument("--actor", metavar="NAME", action="append", default=[],
                     help="only what actors of this name do (may be repeated)")
    sub.add_argument("--events", metavar="LIST", type=events_list,
                     help="only these of " + ",".join(trace.EVENTS))
    sub.add_argument("--buffer", metavar="N", type=number(16, 65536),
                     help="records that each CPU keeps until they are taken")
    sub.add_argument("--limit", metavar="MIB", type=number(1, 256), default=32,
                     help="end the file before it is larger (default 32)")
    sub.add_argument("--program", metavar="FILE", type=input_file, action="append", default=[],
                     help="put this program into the system's /bin "
                          "(may be repeated; tools/chorale-cc makes them)")
    sub.add_argument("--before", metavar="LINE", action="append", default=[],
                     help="let the console run this line before the trace (may be repeated)")
    add_append(sub)
    sub.add_argument("--timeout", metavar="S", type=number(1, 86400), default=120,
                     help="seconds after which a guest that has not ended is stopped (default 120)")


def build_parser():
    parser = Parser(prog="./chorale", add_help=True, usage="./chorale VERB [options]", description=OVERVIEW)
    verbs = parser.add_subparsers(metavar="VERB", dest="verb", help=argparse.SUPPRESS)

    def verb(name, action, description):
        sub = verbs.add_parser(name, description=description, epilog=EXAMPLES[name], prog=f"./chorale {name}",
                               add_help=True)
        default = None if name in ("bench", "test") else arch.DEFAULT  # bench --report: all
        if name not in ("fuzz", "coverage"):  # these know the host alone
            sub.add_argument("--arch", choices=arch.ARCHITECTURES, default=default,
                             help="the machine's architecture (default "
                                  + ("all)" if name == "test" else f"{arch.DEFAULT})"))
        sub.add_argument("--verbose", action="store_true", help="show what the programs underneath say")
        sub.set_defaults(action=action, parser=sub)
        return sub

    sub = verb("bench", measure, "Boots the system in QEMU, runs ipcbench, prints a table of its results.")
    add_bench_options(sub)
    sub = verb("test", test.run, "Builds everything, runs the host tests, the gates and the target tests.")
    add_machine_options(sub, cpus=None, memory_default=None)
    add_test_options(sub)
    sub = verb("run", run.run, "Boots the system with this terminal as its console.")
    add_machine_options(sub)
    add_append(sub)
    add_bank(sub)
    sub = verb("trace", trace.run_trace, "Runs a command on the console of a system in QEMU and traces it: "
               "docs/tracing.md.")
    add_trace_options(sub)
    sub = verb("image", image.run, "Builds what a machine boots and says where it is.")
    add_append(sub)
    sub.set_defaults(check=image.check_usage)
    sub.add_argument("--iso", action="store_true", help="also make an ISO for BIOS and UEFI (x86_64)")
    sub.add_argument("--uboot", action="store_true", help="also make what U-Boot boots (riscv64)")
    sub = verb("debug", debug.run, "Boots the system stopped at its first instruction and attaches gdb.")
    add_machine_options(sub)
    add_append(sub)
    add_bank(sub)
    sub.add_argument("--console", metavar="TEXT", default="",
                     help="let it run until the console shows this, then stop it")
    sub.add_argument("--after", metavar="S", type=number(1, 86400), default=0,
                     help="let it run so many seconds")
    sub.add_argument("--until", metavar="FUNCTION", type=function_name,
                     help="then let it run to this function of the nucleus")
    sub.add_argument("--batch", metavar="COMMAND", action="append", default=[],
                     help="run this command of gdb and end (may be repeated)")
    sub = verb("fuzz", fuzz.run, "Runs fuzzers on this computer: " + ", ".join(fuzz.targets()) + ".")
    add_fuzz_options(sub)
    verb("coverage", coverage.run, "Runs the host tests that leave counters and shows what of kernel/ and "
         "fastpath/ they reach.")
    verb("setup", lambda options: sources.ensure() or 0,
         "Installs the Debian packages of tools/packages.txt that are missing and fetches tools/sources.txt.")
    return parser


def show_failure(failure):
    print(f"chorale: {failure}", file=sys.stderr)
    if failure.log and os.path.exists(failure.log):
        if failure.tail:
            with open(failure.log, encoding="utf-8", errors="replace") as log:
                lines = log.read().splitlines()[-TAIL_LINES:]
            print("\n".join(["  | " + line for line in lines]), file=sys.stderr)
        print(f"whole log: {paths.shown(failure.log)}", file=sys.stderr)


def interrupted(*_):
    raise KeyboardInterrupt


def main(arguments):
    parser = build_parser()
    # Whoever ends this command, its children end with it: the same way out as for Ctrl-C.
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    try:
        check_verb(arguments)
        options = parser.parse_args(arguments)
        if not options.verb:
            parser.print_help(sys.stderr)
            return 2
        getattr(options, "check", lambda _: None)(options)
        setup.ensure(options.verbose)
        return options.action(options)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    except Failure as failure:
        sys.stdout.flush()
        show_failure(failure)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nchorale: interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"chorale: {error.filename or 'input or output'}: {error.strerror or error}", file=sys.stderr)
        return 1
