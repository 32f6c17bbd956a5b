# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every program that we start has of a parent such as the guard, which ignores signals, is spared by the kernel and has files open: nothing.

Each place that starts one is called, with a program in its stead that tells what it was given. QEMU itself: tests/faults/test_j_guest_rights.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tests.conftest import needs_root
from ansible_collections.hypervisor.network.tests.harness.process.signals import none_in
from ansible_collections.hypervisor.network.tests.harness.process.waiting import wait_for

UTILS = "ansible_collections.hypervisor.network.plugins.module_utils"
PARENT = """
import os, pwd, signal, sys
from types import SimpleNamespace
from {utils}._host import child, programs
bin, nobody = sys.argv[1], pwd.getpwnam("nobody")
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGUSR1):
    signal.signal(number, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGTERM, signal.SIGALRM}})
os.dup2(os.open("/etc/hostname", os.O_RDONLY), 77, inheritable=True)
child.set_oom_score(500)
programs.PATH = bin
{site}
"""
TELLS = """#!/bin/sh
PATH=/usr/bin:/bin
{{ grep -E '^(SigIgn|SigBlk)' /proc/self/status; echo "oom: $(cat /proc/self/oom_score_adj)"; echo "fds:" $(ls /proc/self/fd); }} > {told}.new
mv {told}.new {told}
"""
SITES = {
    "ifquery": "from {utils}._ifupdown import apply\napply._ask_ifquery('auto lo', ['x'], ['lo'])",
    "bridge": "from {utils}._ifupdown import apply\napply.complaint(['bridge', 'link', 'help'])",
    "ip": "from {utils}._ifupdown import ifup\nifup._ran(bin + '/ip', 'link')",
    "nft": "programs.printed(['nft', '-j', 'list', 'ruleset'])",
    "qemu-img": (
        "from {utils}._qemu import images\n"
        "recipe = {{'path': bin + '/disk', 'format': 'raw', 'size': 512, 'backing_file': None, 'backing_format': None}}\n"
        "images.create(recipe, SimpleNamespace(new=lambda path: path), nobody)"
    ),
    "qemu-system-x86_64": "from {utils}._qemu import accel\naccel.probe(bin + '/qemu-system-x86_64', 'kvm', nobody)",
    "dhclient": (
        "from {utils}._dhcp import client, handover\n"
        "handover.start(client.Client('none0', 'dhclient', ('dhclient', 'none0')), 'none0', handover.Host(path=bin))"
    ),
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that the user nobody may write to, too."""
    needs_root()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        Path(made).chmod(0o777)
        yield Path(made)


@pytest.mark.parametrize("program", SITES)
def test_12_15_a_program_is_started_as_an_ordinary_process(program: str, folder: Path) -> None:
    told = folder / "told"
    fake = folder / program
    fake.write_text(TELLS.format(told=told), encoding="ascii")
    fake.chmod(0o755)
    text = PARENT.format(utils=UTILS, site=SITES[program].format(utils=UTILS))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text), str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    wait_for(told.exists, f"{program} has told: {done.stderr}")
    facts = dict(line.split(":", 1) for line in told.read_text(encoding="ascii").splitlines())
    assert none_in(facts["SigIgn"]) and none_in(facts["SigBlk"]), facts
    assert facts["oom"].strip() == "0"
    # the parent's that could be inherited is 77
    assert max(map(int, facts["fds"].split())) < 20, facts
