# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the disk of the lab's hypervisors once, and print the directory that holds it.

The directory holds C(disk.raw) (ext4, no partition table), C(vmlinuz), C(initrd.img) and C(manifest.json). Its name ends in a
hash of all that goes into it, so a change of the recipe is another image and an old one is never mistaken for it; it begins with the
Debian release and with what manages the network.
Progress goes to standard error; standard output is that one line.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Iterator

DISTROS = ("bookworm", "trixie")

# What the role bridge_host would install, since the lab has no way out.
ROLE_PACKAGES = (
    "python3-pyroute2",
    "python3-netaddr",
    "bridge-utils",
    "qemu-system-x86",
    "ipxe-qemu",
)
# A hypervisor as an administrator finds it, and the tools the tests look at it with.
BASE_PACKAGES = (
    "linux-image-cloud-amd64", "initramfs-tools", "systemd-sysv", "udev", "dbus", "kmod", "procps",
    "iproute2", "iputils-ping", "net-tools", "tcpdump", "dnsmasq-base",
    "openssh-server", "python3", "python3-apt", "less",
)  # fmt: skip
_KERNEL = "linux-image-"
# What manages the network: packages, and the units that Debian leaves switched off. Only one of them is on a machine, as on a real one.
# resolved comes with networkd on Debian's cloud images and on Ubuntu.
NETWORKS = {
    "ifupdown": (("ifupdown",), ()),
    "ifupdown2": (("ifupdown2", "isc-dhcp-client"), ()),
    "networkd": (("systemd-resolved",), ("systemd-networkd", "systemd-resolved")),
    "netplan": (("netplan.io", "systemd-resolved"), ("systemd-networkd", "systemd-resolved")),
    "networkmanager": (("network-manager",), ()),
}
# What ifupdown asks DHCP with where nobody chose: the client that an installation of the release has.
DHCP_CLIENT = {"bookworm": "isc-dhcp-client", "trixie": "dhcpcd-base"}
# Work that a VM of an hour's life never needs, and that makes the first minutes slow without KVM.
MASKED_UNITS = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
    "fstrim.timer", "systemd-pstore.service", "keyboard-setup.service", "console-setup.service", "getty@tty1.service",
)  # fmt: skip
DPKG_OPTIONS = (
    "force-unsafe-io",
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/info/*",
)
DISK_SIZE = "4G"
# Not below a home: the user that the machines run as has to get at it
CACHE = Path("/var/cache/hypervisor-network/images")
ROOTFS = Path(__file__).resolve().parent / "rootfs"
REPORT_EVERY = 5.0


class BuildError(Exception):
    """One sentence: what, why, what to do."""


class Progress:
    """Lines with the elapsed time, never more than C(REPORT_EVERY) seconds of silence while something happens."""

    def __init__(self) -> None:
        self._start = self._last = time.monotonic()

    def say(self, text: str) -> None:
        self._last = time.monotonic()
        print(f"[{self._last - self._start:4.0f} s] {text}", file=sys.stderr, flush=True)

    def now_and_then(self, text: str) -> None:
        if time.monotonic() - self._last >= REPORT_EVERY:
            self.say(text)


@dataclass(frozen=True)
class Wish:
    """What an image is to be: a Debian release, what manages its network, and packages besides the usual."""

    distro: str
    network: str = "ifupdown"
    more: tuple[str, ...] = ()

    def packages(self) -> list[str]:
        client = (DHCP_CLIENT[self.distro],) if self.network == "ifupdown" else ()
        # a machine has one kernel: one that somebody asks for is in place of the small one
        chosen = any(one.startswith(_KERNEL) for one in self.more)
        base = [one for one in BASE_PACKAGES if not (chosen and one.startswith(_KERNEL))]
        return sorted({*ROLE_PACKAGES, *base, *NETWORKS[self.network][0], *client, *self.more})

    def recipe(self) -> dict[str, object]:
        """All that goes into the image, as data: its hash is the image's name."""
        files = {
            str(path.relative_to(ROOTFS)): path.read_text()
            for path in sorted(ROOTFS.rglob("*"))
            if path.is_file()
        }
        return {
            "distro": self.distro,
            "packages": self.packages(),
            "enabled": NETWORKS[self.network][1],
            "masked": MASKED_UNITS,
            "dpkg": DPKG_OPTIONS,
            "disk": DISK_SIZE,
            "files": files,
            "builder": Path(__file__).read_text(),
        }

    def directory(self, cache: Path) -> Path:
        digest = hashlib.sha256(json.dumps(self.recipe(), sort_keys=True).encode()).hexdigest()
        return cache / f"{self.distro}-{self.network}-{digest[:12]}"


@contextlib.contextmanager
def only_one(cache: Path, progress: Progress) -> Iterator[None]:
    """Hold the cache's lock: a second builder waits for the first, and then finds its image."""
    with open(cache / ".lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say("another build is under way, waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(wish: Wish, cache: Path) -> Path:
    """Return the image's directory, built unless it is there. Raises BuildError."""
    progress = Progress()
    target = wish.directory(cache)
    if target.is_dir():
        return target
    _check_tools()
    os.umask(0o022)  # it is read by whom the machines run as
    cache.mkdir(parents=True, exist_ok=True)
    with only_one(cache, progress):
        if target.is_dir():
            return target
        # Left by a build that was killed. Its mounts were in a namespace of their own and are gone with it.
        for stale in cache.glob(".build-*"):
            shutil.rmtree(stale)
        progress.say(
            f"building the lab's image of {wish.distro} with {wish.network}, once (about two minutes; cached in {cache})"
        )
        work = Path(tempfile.mkdtemp(prefix=".build-", dir=cache))
        try:
            result = work / "image"
            result.mkdir()
            _bootstrap(wish, work, progress)
            _make_disk(work / "root", result, progress)
            (result / "manifest.json").write_text(json.dumps(wish.recipe(), indent=1))
            os.rename(result, target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        progress.say("image ready")
    return target


def _check_tools() -> None:
    if os.geteuid() != 0:
        raise BuildError("The lab's image is built as root (it holds root's files): use sudo.")
    missing = [tool for tool in ("mmdebstrap", "mke2fs", "unshare") if shutil.which(tool) is None]
    if missing:
        raise BuildError(
            f"Missing {', '.join(missing)}: install with 'apt-get install mmdebstrap e2fsprogs util-linux'."
        )


def _bootstrap(wish: Wish, work: Path, progress: Progress) -> None:
    root = work / "root"
    staging = work / "staging"
    _stage(staging)
    command = [
        # mmdebstrap mounts /proc and /sys below the root: in a mount namespace they die with it, whatever happens.
        "unshare", "--mount", "--propagation=private", "--fork", "--kill-child",
        "mmdebstrap", "--verbose", "--mode=root", "--variant=apt", f"--include={','.join(wish.packages())}",
        *(f"--dpkgopt={option}" for option in DPKG_OPTIONS),
        "--aptopt=Acquire::Languages none", "--aptopt=Acquire::Retries 3",
        f"--essential-hook=sync-in {staging} /",
        wish.distro, str(root),
    ]  # fmt: skip
    _run(command, Counter(progress), {"DEBIAN_FRONTEND": "noninteractive"})
    enabled = ("serial-getty@ttyS0.service", *NETWORKS[wish.network][1])
    _run(["chroot", str(root), "systemctl", "enable", *enabled])
    _run(["chroot", str(root), "systemctl", "mask", *MASKED_UNITS])
    for leftover in (
        "etc/hostname",
        "etc/resolv.conf",
        *(str(key.relative_to(root)) for key in (root / "etc/ssh").glob("ssh_host_*")),
    ):
        (root / leftover).unlink(missing_ok=True)
    # Empty: every VM makes its own. (Missing would mean "first boot", and a preset of all units.)
    (root / "etc/machine-id").write_text("")


def _stage(staging: Path) -> None:
    """Copy our own files with the modes they need, whatever umask the working copy was made with."""
    for path in sorted(ROOTFS.rglob("*")):
        target = staging / path.relative_to(ROOTFS)
        if path.is_dir():
            target.mkdir(parents=True)
            target.chmod(0o755)
        else:
            shutil.copyfile(path, target)
            target.chmod(0o755 if path.read_bytes().startswith(b"#!") else 0o644)
    staging.chmod(0o755)


class Counter:
    """Condense apt's and dpkg's lines into "unpacking 120 of 210: qemu-system-x86"."""

    _VERBS = (("Get:", "downloading"), ("Unpacking ", "unpacking"), ("Setting up ", "configuring"))

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._verb = ""
        self._count = 0
        self._total = 0
        self.tail: list[str] = []

    def __call__(self, line: str) -> None:
        self.tail = [*self.tail[-30:], line]
        total = re.match(r"(\d+) upgraded, (\d+) newly installed", line)
        if total:
            self._total = int(total.group(2))
        for prefix, verb in self._VERBS:
            if line.startswith(prefix):
                self._advance(verb, line[len(prefix) :])
                return
        self._progress.now_and_then(f"{self._verb or 'preparing'} ...")

    def _advance(self, verb: str, rest: str) -> None:
        if verb != self._verb:
            self._verb, self._count = verb, 0
            self._progress.say(f"{verb} packages")
        self._count += 1
        words = rest.split()
        # "Get:7 http://mirror suite/main amd64 NAME amd64 ...": the name stands fifth; with dpkg it stands first.
        name = words[4] if verb == "downloading" and len(words) > 4 else words[0] if words else ""
        of = f" of {self._total}" if self._total >= self._count else ""
        self._progress.now_and_then(f"{verb} {self._count}{of}: {name}")


def _make_disk(root: Path, result: Path, progress: Progress) -> None:
    progress.say("writing the disk")
    for pattern, name in (("vmlinuz-*", "vmlinuz"), ("initrd.img-*", "initrd.img")):
        found = sorted((root / "boot").glob(pattern))
        if not found:
            raise BuildError(
                f"The new system has no /boot/{pattern}: the kernel's package did not install, see the lines above."
            )
        shutil.copyfile(found[-1], result / name)
    _run(
        [
            "mke2fs",
            "-q",
            "-F",
            "-t",
            "ext4",
            "-L",
            "root",
            "-m",
            "0",
            "-E",
            "root_owner=0:0",
            "-d",
            str(root),
            str(result / "disk.raw"),
            DISK_SIZE,
        ]
    )


def _run(
    command: Iterable[str], sink: Counter | None = None, environment: dict[str, str] | None = None
) -> None:
    command = list(command)
    lines: list[str] = []
    env = {**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env=env,
    ) as process:
        try:
            for line in process.stdout or ():
                lines = [*lines[-30:], line.rstrip()]
                if sink is not None:
                    sink(line.rstrip())
        except BaseException:
            process.terminate()
            raise
    if process.returncode != 0:
        raise BuildError(
            "\n".join(
                [
                    *lines,
                    f"'{command[0]} ...' ended with {process.returncode}; its last lines stand above.",
                ]
            )
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Build the disk of the lab's hypervisors once, and print the directory that holds it."
    )
    parser.add_argument("--distro", choices=DISTROS, default=DISTROS[0])
    parser.add_argument("--network", choices=tuple(NETWORKS), default="ifupdown")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where images are kept")
    parser.add_argument(
        "--package",
        action="append",
        default=[],
        help="one more package that the image has; may be repeated",
    )
    parser.add_argument(
        "--where", action="store_true", help="only print where the image is or would be"
    )
    arguments = parser.parse_args()
    wish = Wish(arguments.distro, arguments.network, tuple(arguments.package))
    if arguments.where:
        print(wish.directory(arguments.cache))
        return 0
    try:
        print(build(wish, arguments.cache))
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; what was built so far is removed.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
