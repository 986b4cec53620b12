"""Installs the Debian packages of tools/packages.txt that are missing. Running it again changes nothing."""

import os
import shutil
import subprocess
import sys

from chorale import paths, process
from chorale.errors import Failure
from chorale.progress import phase

APT = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120"]
PACKAGE_LISTS = "/var/lib/apt/lists"


def wanted_packages():
    lines = (paths.TOOLS / "packages.txt").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def missing_packages(wanted):
    """Those not fully installed; dpkg-query says nothing on stdout of a package it never heard of."""
    if not shutil.which("dpkg-query"):
        raise Failure("set-up knows Debian packages only, and here is no dpkg; install the equivalents of: "
                      + " ".join(wanted), tail=False)
    query = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    installed = {line.split()[0] for line in query.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if name not in installed]


def root_prefix(missing):
    """What to put before apt-get to be root, asking first where there is somebody to ask."""
    by_hand = "apt-get install --no-install-recommends " + " ".join(missing)
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        raise Failure(f"packages are missing and only root can install them; as root, type:\n  {by_hand}")
    if os.environ.get("CI") == "true":
        return ["sudo", "-n"]
    if not sys.stdin.isatty():
        raise Failure(f"packages are missing; type:\n  sudo {by_hand}")
    print("These Debian packages are missing:\n  " + " ".join(missing), file=sys.stderr)
    print("Install them with sudo? [y/N] ", end="", file=sys.stderr, flush=True)
    if not sys.stdin.readline().strip().lower().startswith("y"):
        raise Failure(f"nothing was installed; type:\n  sudo {by_hand}")
    # The password, if sudo wants one, is asked for here, before the live progress line starts.
    if subprocess.run(["sudo", "-v"], check=False).returncode != 0:
        raise Failure(f"sudo refused; as root, type:\n  {by_hand}")
    return ["sudo"]


def have_package_lists():
    try:
        return any("_Packages" in name for name in os.listdir(PACKAGE_LISTS))
    except OSError:
        return False


def install(missing, prefix, progress):
    log = paths.log("setup")
    log.write_bytes(b"")
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", *APT]

    def show(line):
        if line.startswith(("Get:", "Unpacking ", "Setting up ")):
            progress.update(line)

    def update():
        progress.update("apt-get update")
        return process.run_logged([*apt, "update"], log, show, append=True)

    fresh = not have_package_lists()
    if fresh and update() != 0:
        raise Failure("apt-get update failed", log)
    command = [*apt, "install", "--no-install-recommends", *missing]
    status = process.run_logged(command, log, show, append=True)
    if status != 0 and not fresh:
        # Package lists that are out of date name files that the archive no longer has.
        update()
        status = process.run_logged(command, log, show, append=True)
    if status != 0:
        raise Failure("could not install: " + " ".join(missing), log)


def ensure(verbose=False):
    """The check at the start of each verb, and all of `setup`."""
    wanted = wanted_packages()
    missing = missing_packages(wanted)
    prefix = root_prefix(missing) if missing else []
    with phase("set-up") as progress:
        if missing:
            if verbose:
                progress.pause_for_output("installing: " + " ".join(missing))
            install(missing, prefix, progress)
            still = missing_packages(wanted)
            if still:
                raise Failure("still missing after the installation: " + " ".join(still), paths.log("setup"))
            progress.result = f"ok ({len(missing)} package{'s' * (len(missing) != 1)} installed)"
