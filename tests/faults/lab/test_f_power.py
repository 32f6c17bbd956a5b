# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group F: the plug is pulled, or the machine is rebooted, while a conversion is under way. What boots can be reached, and is old or new, never a mix."""

from __future__ import annotations

import os

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.powered import (
    NEW,
    OLD,
    UPLINK,
    WISH,
    PoweredLab,
)

RUNS = int(os.environ.get("HYPERVISOR_NETWORK_POWER_CUTS", "5"))
INTERFACES = "/etc/network/interfaces"
STANZA = {
    "name": "br0",
    "take_over": "eth0",
    "auto": True,
    "options": {"bridge_ports": "eth0", "bridge_stp": "off", "bridge_fd": 0, "bridge_maxwait": 0},
}


def _booted(lab: PoweredLab) -> tuple[dict, str]:
    """Switch it on again: what it is then, told over a new connection, and its file."""
    lab.up()
    return lab.state(), lab.hv(f"cat {INTERFACES}")


@pytest.mark.parametrize("run", range(RUNS))
@pytest.mark.parametrize("point", ["before-arm", "armed", "attached", "applied"])
def test_f01_the_plug_is_pulled_during_the_conversion_and_the_old_network_boots(
    fresh: PoweredLab, point: str, run: int
) -> None:
    before = fresh.hv(f"cat {INTERFACES}")
    with fresh.driven("bridge_uplink", point, **WISH):
        fresh.cut()
    assert _booted(fresh) == (OLD, before)
    fresh.used = False  # nothing is left of it
    assert fresh.run("bridge_info")["bridges"] == []


@pytest.mark.parametrize("run", range(RUNS))
def test_f01_the_plug_is_pulled_after_the_confirmation_and_the_old_network_boots(
    fresh: PoweredLab, run: int
) -> None:
    before = fresh.hv(f"cat {INTERFACES}")
    fresh.playbook(UPLINK)
    assert fresh.state() == NEW
    fresh.cut()
    assert _booted(fresh) == (OLD, before)
    fresh.used = False


@pytest.mark.parametrize("run", range(RUNS))
@pytest.mark.parametrize("point", ["staged", "renamed"])
def test_f01_the_plug_is_pulled_while_the_file_is_written_and_what_it_says_boots(
    fresh: PoweredLab, point: str, run: int
) -> None:
    before = fresh.hv(f"cat {INTERFACES}")
    fresh.playbook(UPLINK)
    with fresh.driven("interfaces_stanza", point, **STANZA):
        fresh.cut()
    state, text = _booted(fresh)
    assert state == (OLD if text == before else NEW), text
    assert "iface br0" in text or text == before
    fresh.playbook("site.yml")  # the run after it completes what was begun
    assert fresh.state() == NEW and "iface br0" in fresh.hv(f"cat {INTERFACES}")
    assert fresh.hv("ls -A /etc/network | grep hypervisor-network || true") == ""


@pytest.mark.parametrize("run", range(RUNS))
def test_f01_the_plug_is_pulled_when_all_is_done_and_the_new_network_boots(
    fresh: PoweredLab, run: int
) -> None:
    fresh.playbook("site.yml")
    fresh.cut()
    state, text = _booted(fresh)
    assert state == NEW and "iface br0" in text


def test_f08_a_reboot_while_nobody_has_confirmed_boots_the_old_network(fresh: PoweredLab) -> None:
    before = fresh.hv(f"cat {INTERFACES}")
    result = fresh.run("bridge_uplink", **WISH)
    assert result["transaction"]["state"] == "applied" and fresh.state() == NEW
    fresh.reboot("hv")
    assert (fresh.state(), fresh.hv(f"cat {INTERFACES}")) == (OLD, before)
    assert fresh.run("bridge_info").get("transactions", []) == []
