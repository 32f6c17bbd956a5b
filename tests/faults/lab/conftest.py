# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One hypervisor of the lab for the cases that no namespace can play: power cuts, systemd, reboots, other managers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.container import Container
from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import DISTRO
from ansible_collections.hypervisor.network.tests.harness.lab.place import place
from ansible_collections.hypervisor.network.tests.harness.lab.powered import PoweredLab
from ansible_collections.hypervisor.network.tests.harness.process.long_form import CONTAINED, LONG

# Beside it from the first boot, as on many a host: a manager that was told to keep its hands off, and sessions that systemd knows of (without them
# a whole sshd is stopped where one of its children is out of memory); cloud-init without a cloud, which stays away by itself; the packet filter's
# tool, and the one that tells a NIC's offloads; what a guest with UEFI and a TPM needs
GUESTS = ("libpam-systemd", "ovmf", "swtpm", "qemu-utils")
PACKAGES = ("network-manager", "cloud-init", "iptables", "ethtool", *GUESTS)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoweredLab]:
    """The hypervisor, up, with its disk kept as it is then; removed at the end."""
    if CONTAINED:
        with Container(*GUESTS) as contained:
            yield contained
        return
    if not LONG:
        pytest.skip(
            "a machine that is switched off again and again takes an hour: make faults runs it"
        )
    directory, name = place("hvfault")
    made = PoweredLab(
        directory,
        name,
        tmp_path_factory.mktemp("records"),
        "-e",
        f"lab_distro={DISTRO}",
        "-e",
        json.dumps({"lab_packages": PACKAGES}),
    )
    with made.running():
        made.prepare()
        yield made


@pytest.fixture
def fresh(lab: PoweredLab) -> PoweredLab:
    """The hypervisor as an installation left it, whatever the case before did to it."""
    return lab.fresh()


@pytest.fixture(scope="module")
def converted(lab: PoweredLab) -> PoweredLab:
    """The hypervisor after the role: br0 has the address, on disk too."""
    lab.fresh().playbook("site.yml")
    return lab
