# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the READMEs and the guides tell to type: what a newcomer's journey types as it is written, and where the like of the rest is run."""

from __future__ import annotations

from . import examples

FIRST, NO_NETWORK, WATCHING, ROLLED_BACK, SNAPSHOTS = (
    f"{examples.GUIDES}/{name}.rst"
    for name in ("first_host", "no_network", "watching", "rolled_back", "snapshots")
)
METRICS = "ansible-playbook -i hosts.yml hypervisor.network.metrics"
LOOKS = tuple(
    command
    for place in (WATCHING, NO_NETWORK)
    for command in examples.commands(place)
    if command != METRICS
)
_OF_ONE, _WHY, LAST, STATE = examples.commands(ROLLED_BACK)
STANZAS = "ifquery --list"
# of what a backup was made of
RESTORED = tuple(examples.commands(SNAPSHOTS))
# tests/integration/test_as_published.py types these
HERE = {*examples.commands(FIRST), *LOOKS, LAST, STATE, STANZAS, *RESTORED}

_DEMO = "the workflow's own: .github/workflows/demo.yml"
_MOLECULE = "all of them in one: tests/molecule/test_stranger.py"
_ROLLED_BACK = "a change that was rolled back: tests/faults/test_e_rollback.py"
_LIBVIRT = "libvirt's, which no test has; its tap is one in tests/integration/test_role_libvirt.py"
_UNITS = "a unit of systemd: tests/faults/lab/test_h_units.py"
_LAB = "a lab: tests/acceptance/test_lab.py"
# Of another command: why it is not typed, and the file that runs its like
ELSEWHERE = {
    METRICS: "a timer of systemd: tests/integration/test_metrics_timer.py",
    "make demo": _DEMO,
    "make test": "its parts, side by side: .github/workflows/ci.yml",
    "make bench": "ratios, and no test: tests/bench/__main__.py",
    "make lab-up": _LAB,
    "make lab-up DISTRO=trixie": _LAB,
    "make lab-down": _LAB,
    "sudo ssh -F .../ssh_config hv1": _LAB,
    "ansible-galaxy collection install git+https://github.com/hypervisor-network/hypervisor.network.git": (
        "from a checkout instead: tests/harness/host/published.py"
    ),
    "systemctl status hypervisor-network-guest@vm1": _UNITS,
    "journalctl -u hypervisor-network-guest@vm1": _UNITS,
    "systemctl edit hypervisor-network-guest@vm1": _UNITS,
    "socat -,raw,echo=0,escape=0x1d UNIX-CONNECT:/run/hypervisor-network/vm1/console.sock": (
        "a console: tests/faults/test_h_console.py"
    ),
    _OF_ONE: _ROLLED_BACK,
    _WHY: _ROLLED_BACK,
    "molecule create": _MOLECULE,
    "molecule converge -s walkthrough": _MOLECULE,
    "molecule verify -s walkthrough": _MOLECULE,
    "molecule cleanup -s walkthrough": _MOLECULE,
    "molecule destroy": _MOLECULE,
    "molecule test --all --report": "as it is written: tests/molecule/test_stranger.py",
    "nmcli device": "NetworkManager's, of whom the tests have machines: tests/faults/lab/test_v_managers.py",
    "networkctl list": "systemd's: tests/faults/test_g_networkd.py",
    "ls /etc/netplan": "netplan's place: tests/faults/lab/test_v_managers.py",
    "virsh net-define lan.xml": _LIBVIRT,
    "virsh net-start lan": _LIBVIRT,
    "virsh net-autostart lan": _LIBVIRT,
}
