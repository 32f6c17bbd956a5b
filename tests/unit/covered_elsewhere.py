# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of each file its own unit tests must cover, and the files of which only a live test covers the rest."""

from __future__ import annotations

from typing import NamedTuple

LEAST = 90  # per cent of lines and branches


class Elsewhere(NamedTuple):
    """What a file's own unit tests cover nevertheless, in per cent (0: it has none); the test that covers the rest; why they can't."""

    least: float
    where: str
    why: str


ELSEWHERE: dict[str, Elsewhere] = {
    "plugins/module_utils/_backup/allocated.py": Elsewhere(
        0, "tests/faults/test_h_rates.py", "It has a real QEMU tell what its disks hold."
    ),
    "plugins/module_utils/_backup/apply.py": Elsewhere(
        0, "tests/faults/test_h_backups.py", "It has a real QEMU and real images do it."
    ),
    "plugins/module_utils/_backup/files.py": Elsewhere(
        0,
        "tests/faults/test_h_backups.py",
        "It has qemu-img write what is root's, and what is the guests' user's for so long.",
    ),
    "plugins/module_utils/_backup/live.py": Elsewhere(
        0, "tests/faults/test_h_backups.py", "It asks a real QEMU."
    ),
    "plugins/module_utils/_backup/read.py": Elsewhere(
        0,
        "tests/faults/test_h_backups.py",
        "It asks a real QEMU, and opens images as the guests' user.",
    ),
    "plugins/module_utils/_bridge_host/guests.py": Elsewhere(
        0,
        "tests/integration/test_host_plan.py",
        "It asks what runs on a host, as the rehearsal does.",
    ),
    "plugins/module_utils/_bridge_host/look.py": Elsewhere(
        0,
        "tests/integration/test_host_plan.py",
        "It reads a host's kernel, packages, users, files and guests.",
    ),
    "plugins/module_utils/_bridge_host/rehearsal.py": Elsewhere(
        28,
        "tests/integration/test_host_plan.py",
        "It is held against what the modules do on a host, change for change.",
    ),
    "plugins/module_utils/_guard/confirm.py": Elsewhere(
        0,
        "tests/faults/test_e_confirm.py",
        "It is a process on the target that a new connection talks to.",
    ),
    "plugins/module_utils/_guard/deadman.py": Elsewhere(
        0,
        "tests/faults/test_c_guard.py",
        "It forks, leaves its session and outlives who started it; each kind of death is tried there.",
    ),
    "plugins/module_utils/_guard/gateways.py": Elsewhere(
        30,
        "tests/faults/test_e_lan.py",
        "It asks gateways by ARP and neighbour solicitation, and needs such to answer or be silent.",
    ),
    "plugins/module_utils/_guarded/foreseen.py": Elsewhere(
        0,
        "tests/integration/test_conversion.py",
        "It is the meeting of a conversion, a host's own managers and its LAN.",
    ),
    "plugins/module_utils/_guarded/links.py": Elsewhere(
        0,
        "tests/faults/test_x_links_guard.py",
        "It is the meeting of a module, its guard and a namespace.",
    ),
    "plugins/module_utils/_guarded/managed.py": Elsewhere(
        0,
        "tests/faults/lab/test_v_managers.py",
        "It is the meeting of a conversion and the host's own manager of networks, which no namespace has.",
    ),
    "plugins/module_utils/_guarded/uplink.py": Elsewhere(
        0,
        "tests/faults/test_d_guard.py",
        "It is the meeting of a conversion, its guard and a namespace.",
    ),
    "plugins/module_utils/_host/child.py": Elsewhere(
        20,
        "tests/unit/_host/test_child.py",
        "Its tests run in processes of their own, which nobody measures.",
    ),
    "plugins/module_utils/_host/files.py": Elsewhere(
        85, "tests/faults/test_i_disk.py", "The rest is disks that fail between two renames."
    ),
    "plugins/module_utils/_host/process.py": Elsewhere(
        60,
        "tests/faults/test_h_qemu.py",
        "The rest runs between fork and exec, where nobody measures; test_process.py sees what comes of it.",
    ),
    "plugins/module_utils/_ifupdown/apply.py": Elsewhere(
        50,
        "tests/integration/test_targets.py",
        "The rest asks ifupdown's and iproute2's own programs.",
    ),
    "plugins/module_utils/_ifupdown/ifup.py": Elsewhere(
        25, "tests/faults/test_e_rollback.py", "It has ifup configure a device of the host."
    ),
    "plugins/module_utils/_info/read.py": Elsewhere(
        0,
        "tests/integration/test_targets.py",
        "It dumps what a kernel has; the tools of iproute2 say the same there.",
    ),
    "plugins/module_utils/_isolation/probe.py": Elsewhere(
        0,
        "tests/integration/test_isolation.py",
        "It plugs probes into a bridge, and sends and captures frames there.",
    ),
    "plugins/module_utils/_qemu/accel.py": Elsewhere(
        0, "tests/faults/test_h_kvm.py", "It starts a guest to see whether the accelerator works."
    ),
    "plugins/module_utils/_qemu/apply.py": Elsewhere(
        0, "tests/faults/test_h_qemu.py", "It starts, asks and ends QEMU."
    ),
    "plugins/module_utils/_qemu/images.py": Elsewhere(
        0,
        "tests/faults/test_h_images.py",
        "It asks qemu-img for images that are good, broken, and in use.",
    ),
    "plugins/module_utils/_qemu/rundir.py": Elsewhere(
        0, "tests/faults/test_j_guests.py", "Its directories belong to root and to a guest's user."
    ),
    "plugins/module_utils/_qemu/serial_log.py": Elsewhere(
        50,
        "tests/unit/_qemu/test_serial_log.py",
        "As a unit runs it, it is a program that becomes another one, where nobody measures.",
    ),
    "plugins/module_utils/_qemu/supervisor.py": Elsewhere(
        20, "tests/faults/test_h_qemu.py", "It starts, asks and ends QEMU."
    ),
    "plugins/module_utils/_snapshot/apply.py": Elsewhere(
        0, "tests/faults/test_h_snapshots.py", "It has a real QEMU and real images do it."
    ),
    "plugins/module_utils/_snapshot/live.py": Elsewhere(
        0, "tests/faults/test_h_snapshots.py", "It asks a real QEMU."
    ),
    "plugins/module_utils/_snapshot/offline.py": Elsewhere(
        0, "tests/faults/test_h_snapshots.py", "It has qemu-img do it, as the guests' user."
    ),
    "plugins/module_utils/_snapshot/plan.py": Elsewhere(
        80, "tests/unit/test_error_goldens.py", "Each of its refusals is a golden, and stands once."
    ),
    "plugins/module_utils/_snapshot/read.py": Elsewhere(
        0,
        "tests/faults/test_h_snapshots.py",
        "It asks a real QEMU, and opens images as the guests' user.",
    ),
    "plugins/module_utils/_uplink/noun.py": Elsewhere(
        0,
        "tests/integration/test_conversion.py",
        "It dumps a kernel's links, addresses and routes, and plans with them.",
    ),
    "plugins/module_utils/_uplink/read.py": Elsewhere(
        0,
        "tests/integration/test_conversion.py",
        "It dumps a kernel's routes, rules and neighbours, and reads its sysctls.",
    ),
    "plugins/module_utils/_uplink/surroundings.py": Elsewhere(
        0,
        "tests/faults/test_e_lan.py",
        "It asks a LAN, and looks for who else manages a NIC of a host.",
    ),
    "plugins/module_utils/_uplink/apply.py": Elsewhere(
        0,
        "tests/integration/test_conversion.py",
        "It writes to a kernel's links, addresses, routes and sysctls at once.",
    ),
    "plugins/plugin_utils/_guarded_action.py": Elsewhere(
        36,
        "tests/faults/test_e_confirm.py",
        "It drives a connection to a host that is about to lose it.",
    ),
}
