# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's hypervisor without its emulated processor: the same disk with its systemd as process 1 of a container, which boots in seconds.

It shares this machine's kernel, so it has no VLANs and no limits of memory where that has none; it is for what systemd does with guests.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from ..host import enter
from ..host.debian_guest import LAB_IMAGE
from ..net.netns import Namespaces, ip_json, run
from ..process.waiting import wait_for
from .hypervisors import DISTRO
from .powered import HOST, PoweredLab

_PATIENCE = 120.0
# What would wait for hardware, or ask the machine's for it: a container has none. It is not entered by SSH, and has no host keys either
_MASKED = (
    "NetworkManager.service",
    "console-getty.service",
    "serial-getty@ttyS0.service",
    "ssh.service",
    "systemd-networkd-wait-online.service",
    "systemd-timesyncd.service",
    "systemd-udev-trigger.service",
)
# $1 is its folder, $2 the disk, $3 its name. All mounts are in a namespace of their own, and go with it.
_BOOT = f"""
set -e
mkdir -p "$1/disk" "$1/up" "$1/work" "$1/root"
mount -o loop,ro "$2" "$1/disk"
mount -t overlay overlay -o "lowerdir=$1/disk,upperdir=$1/up,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
cat /proc/sys/kernel/random/uuid > "$1/boot_id"
mount --bind "$1/boot_id" proc/sys/kernel/random/boot_id
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 none run
mount -t tmpfs -o mode=755 none dev
mkdir -p dev/net dev/pts dev/shm run/udev
# systemd listens to udev where that is to come, which it sees by a /dev of the kernel's, or else by this
: > run/udev/control
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 none dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0" "net/tun 10 200"; do
    set -- $node "$@"
    mknod -m 666 "dev/$1" c "$2" "$3"
    shift 3
done
if [ ! -e "$1/made" ]; then
    echo "$3" > etc/hostname
    : > etc/fstab
    printf 'auto lo\\niface lo inet loopback\\n' > etc/network/interfaces
    tr -d - < "$1/boot_id" > etc/machine-id
    mkdir -p var/log/journal
    for unit in {" ".join(_MASKED)}; do ln -sf /dev/null "etc/systemd/system/$unit"; done
    touch "$1/made"
fi
mkdir -p .before
pivot_root . .before
umount -l /.before
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=journal < /dev/null > /dev/null 2>&1
"""


class Container(PoweredLab):
    """A hypervisor in a container, with what a test asks of one of the lab; a context, gone afterwards."""

    def __init__(self, *packages: str, network: str = "ifupdown") -> None:
        self._image = self._built(packages, network)
        self._names = Namespaces("container")
        self._netns = self._names.names["container"]
        self._folder = Path(tempfile.mkdtemp(prefix="hypervisor-network-", dir="/var/tmp"))
        inventory = self._folder / "hosts.json"
        super().__init__(self._folder, self._netns, self._folder, inventory=inventory)
        self._cgroup = _cgroups() / self._netns
        self._process: subprocess.Popen[bytes] | None = None
        self._init = 0

    @staticmethod
    def _built(packages: tuple[str, ...], network: str) -> Path:
        words = [sys.executable, str(LAB_IMAGE), "--distro", DISTRO, "--network", network]
        for package in packages:
            words += ["--package", package]
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
        return Path(done.stdout.strip()) / "disk.raw"

    @property
    def netns(self) -> str:
        """The namespace of its network, under that name on this machine too."""
        return self._netns

    def __enter__(self) -> Container:
        self._names.__enter__()
        try:
            self._cgroup.mkdir()
            self.up()
            self.prepare()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_unused: object) -> None:
        self.cut()
        self._names.__exit__()
        for folder, _folders, _files in os.walk(self._cgroup, topdown=False):
            os.rmdir(folder)
        shutil.rmtree(self._folder)

    def ssh_words(self, host: str, *options: str) -> list[str]:
        """What enters it; the command follows."""
        inside = ["nsenter", f"--target={self._init}", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup"]  # fmt: skip
        return [*inside, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-c"]

    def playbook(self, name: str, *arguments: str) -> list[dict[str, Any]]:
        """See Lab; it is the one host of the group hypervisors."""
        plugins = self._folder / "connection_plugins"
        enter.write_plugin(plugins)
        self._environment = {"ANSIBLE_CONNECTION_PLUGINS": str(plugins)}
        how = {
            "ansible_connection": "enter",
            "enter_words": shlex.join(self.ssh_words("")[:-2]),
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_pipelining": True,
        }
        self._inventory.write_text(
            json.dumps({"hypervisors": {"hosts": {HOST: how}}}), encoding="utf-8"
        )
        return super().playbook(name, *arguments)

    def up(self, *_arguments: str) -> None:
        """Boot it where it is off, and wait until systemd says that it is up."""
        own = ["unshare", "--pid", "--mount", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child", "--propagation=private"]  # fmt: skip
        # who is killed without a word takes it along
        begin = ["ip", "netns", "exec", self._netns, "setpriv", "--pdeathsig=KILL", *own]
        boot = ["bash", "-c", _BOOT, "container", str(self._folder), str(self._image), "hypervisor"]
        self._process = subprocess.Popen(
            # into its cgroup first, which is the root of all that is inside
            ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(self._cgroup), *begin, *boot]
        )  # fmt: skip
        self._init = wait_for(self._first, "a systemd in the container", _PATIENCE)
        self.until("systemctl is-active --quiet multi-user.target", _PATIENCE)

    def _first(self) -> int:
        """Its process 1, 0 while that is not systemd yet."""
        process = self._process
        assert process is not None and process.poll() is None, "the container does not boot"
        for pid in run("ip", "netns", "pids", self._netns).split():
            status = f"/proc/{pid}/status"
            with contextlib.suppress(OSError):
                text = Path(status).read_text(encoding="utf-8")
                if "Name:\tsystemd\n" in text and f"NSpid:\t{pid}\t1\n" in text:
                    return int(pid)
        return 0

    def prepare(self) -> None:
        """Bring what is run there."""
        self.bring()

    def restore(self) -> None:
        """Its disk as the image has it, and booted from that."""
        self.cut()
        for name in ("up", "work"):
            shutil.rmtree(self._folder / name)
        (self._folder / "made").unlink()
        self.up()
        self.prepare()

    def cut(self) -> None:
        """Pull its plug. Its network is new then, as a host's is; what it had written and not synced stays, as on no host."""
        if self._process is not None:
            if self._process.poll() is None and self._init:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._init, 9)
            self._process.wait(_PATIENCE)
            self._without_links()
        self._init = 0

    def reboot(self, *_hosts: str) -> None:
        """Reboot it in order. Its network is new then, as a host's is."""
        words = [*self.ssh_words(""), "systemctl reboot"]
        subprocess.run(words, check=False, capture_output=True, stdin=subprocess.DEVNULL)
        began = time.monotonic()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it is not down {time.monotonic() - began:.0f} s after its reboot")
        self._without_links()
        self.up()

    def _without_links(self) -> None:
        for link in ip_json(self._netns, "link", "show"):
            if link["ifname"] != "lo":
                with contextlib.suppress(RuntimeError):  # it went with its bridge
                    run("ip", "-n", self._netns, "link", "delete", link["ifname"])


def _cgroups() -> Path:
    """Where the one hierarchy of cgroups is, beside older ones or alone."""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _what, where, kind, *_rest = line.split()
        if kind == "cgroup2":
            return Path(where)
    pytest.skip(
        "no cgroups of systemd's kind are mounted here; the lab's machine has them, in make faults"
    )
