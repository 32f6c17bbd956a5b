# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One hypervisor of the lab for the cases that no namespace can play: power cuts, systemd, reboots, other managers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.cabled import (
    LIBRARY,
    NAMED,
    Cabled,
)
from ansible_collections.hypervisor.network.tests.harness.lab.container import Container
from ansible_collections.hypervisor.network.tests.harness.lab.hypervisors import DISTRO
from ansible_collections.hypervisor.network.tests.harness.lab.place import place
from ansible_collections.hypervisor.network.tests.harness.lab.powered import HOST, PoweredLab
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


@contextmanager
def _emulated_for_traps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoweredLab]:
    directory, name = place("hvtraps")
    words = ("-e", f"lab_distro={DISTRO}", "-e", "lab_network=netplan")
    made = PoweredLab(directory, name, tmp_path_factory.mktemp("records"), *words)
    with made.running():
        yield made


@contextmanager
def _contained_for_traps() -> Iterator[PoweredLab]:
    with Container(network="netplan") as made:
        made.hv("systemctl enable --now systemd-networkd")
        yield made


@pytest.fixture(scope="session")
def trap_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoweredLab]:
    """A machine of netplan with networkd, which gets a second NIC for each case."""
    if not (LONG or CONTAINED):
        pytest.skip("a machine of its own takes minutes: make faults runs it")
    with _contained_for_traps() if CONTAINED else _emulated_for_traps(tmp_path_factory) as made:
        made.install(HOST, LIBRARY)
        # as a NIC in a slot has, so that a bridge, which has none, is another client
        made.hv(f"echo '{NAMED}' > /etc/udev/rules.d/85-nic1.rules && udevadm control --reload")
        yield made


@pytest.fixture
def cabled(trap_machine: PoweredLab) -> Cabled:
    made = Cabled(trap_machine)
    made.fresh()
    return made
