# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of what was overheard: all that is asked about, and little of whoever makes noise."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.module_utils._doctor.dhcp_frames import Said
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.dhcp_heard import Heard

ASKED, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"


def mac(number: int) -> str:
    return number.to_bytes(6, "big").hex(":")


def test_the_same_at_the_same_place_is_one_sighting_with_its_first_and_last_time() -> None:
    heard = Heard({ASKED})
    for at in (1.0, 2.0, 5.0):
        heard.take(at, "tap1", False, Said("discover", ASKED))
        heard.take(at, "eth0", True, Said("discover", ASKED))
    tap, wire = heard.sightings
    assert (tap.at, tap.dev, tap.leaving, tap.times, tap.until) == (1.0, "tap1", False, 3, 5.0)
    assert (wire.at, wire.dev, wire.leaving, wire.times, wire.until) == (1.0, "eth0", True, 3, 5.0)
    assert heard.loudest == ("tap1", 3)


def test_of_nobody_nothing_is_loudest() -> None:
    heard = Heard({ASKED})
    heard.take(1.0, "tap1", True, Said("offer", ASKED))
    assert heard.loudest is None


def test_who_makes_up_clients_takes_nobody_elses_place() -> None:
    heard = Heard({ASKED})
    for number in range(10_000):
        said = Said("discover", mac(number + 0x0A0000000000))
        for dev, leaving in (("tap2", False), ("br0", False), ("tap1", True)):
            heard.take(1.0, dev, leaving, said)
    heard.take(2.0, "tap3", False, Said("discover", OTHER))
    heard.take(2.0, "eth0", True, Said("discover", OTHER))
    heard.take(3.0, "tap1", False, Said("discover", ASKED))
    kept = [(one.dev, one.said.mac) for one in heard.sightings]
    assert kept[-3:] == [("tap3", OTHER), ("eth0", OTHER), ("tap1", ASKED)]
    assert len({one for _dev, one in kept}) < 40


def test_who_makes_up_servers_for_somebody_hides_nothing_of_what_is_asked_about() -> None:
    heard = Heard({ASKED})
    for number in range(10_000):
        for client in (ASKED, OTHER):
            heard.take(1.0, "tap2", False, Said("offer", client, server=f"made up {number}"))
    for client in (ASKED, OTHER):
        heard.take(2.0, "tap1", True, Said("ack", client, server="192.0.2.1"))
    kept = [(one.said.mac, one.said.kind) for one in heard.sightings]
    assert (ASKED, "ack") in kept and (OTHER, "ack") not in kept and len(kept) < 600
    assert sum(one.times for one in heard.sightings if one.said.mac == ASKED) == 10_001
