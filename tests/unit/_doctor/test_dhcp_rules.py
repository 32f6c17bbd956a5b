# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a guest's DHCP was overheard, and what is said where it ends."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._doctor import (
    dhcp_rules,
    diagnose,
    way,
)
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.dhcp_frames import (
    ANSWERS,
    Said,
    Sighting,
)
from ansible_collections.hypervisor.network.plugins.module_utils._doctor.dhcp_heard import Heard
from ansible_collections.hypervisor.network.tests.harness.model import patient

SECONDS = 10.0
# the way of a question, and that of an answer
OUT = ("in tap1", "in br0", "out eth0")
BACK = ("in eth0", "out tap1")


def seen(*rows: Any) -> list[Sighting]:
    """Each row is (seconds, kind, [checksum,] places); a place is a device, and whether the frame came in there or went out."""
    found = []
    for at, kind, *more in rows:
        checksum = more[0] if len(more) > 1 else "right"
        server = "192.0.2.1" if kind in ANSWERS else ""
        said = Said(kind, patient.MAC, checksum, server=server)
        for place in more[-1]:
            where, dev = place.split()
            found.append(Sighting(at, dev, where == "out", said))
    return found


WELL = seen((1, "discover", OUT), (2, "offer", BACK), (2, "request", OUT), (3, "ack", BACK))


def told(sightings: list[Sighting], missed: int = 0, **more: Any) -> dict[str, Any]:
    host = patient.host(**more)
    ways = way.ways(host, guest="vm1")
    heard = Heard({patient.MAC}, missed)
    for one in sightings:
        heard.take(one.at, one.dev, one.leaving, one.said)
    return dhcp_rules.with_heard(host, ways, heard, SECONDS, diagnose.diagnose(host, ways))


def test_a_guest_that_gets_its_address_has_no_finding() -> None:
    found = told(WELL)
    assert found["findings"] == [] and found["ways"][0]["ends_at"] is None
    assert found["heard"] == [
        {
            "tap": "tap1", "bridge": "br0", "mac": patient.MAC, "asked": {"discover": 1, "request": 1}, "left_by": {"eth0": 2},
            "came_in_by": {"eth0": 2}, "answered": {"offer": 1, "ack": 1}, "servers": ["192.0.2.1"],
        }
    ]  # fmt: skip


def test_an_answer_of_the_host_itself_leaves_by_the_bridge() -> None:
    found = told(seen((1, "discover", OUT), (1, "offer", ("out br0", "out tap1"))))
    assert found["findings"] == [] and found["heard"][0]["came_in_by"] == {"br0": 1}


@pytest.mark.parametrize(
    "heard",
    [
        [],
        seen((8, "discover", OUT)),  # the answer may be on its way
        [Sighting(1, "tap1", False, Said("discover", patient.OTHER_MAC))],
    ],
)
def test_of_who_asks_nobody_or_only_now_nothing_is_said(heard: list[Sighting]) -> None:
    assert told(heard)["findings"] == []


AGAIN = ((1, "discover", OUT), (5, "discover", OUT))


@pytest.mark.parametrize(
    ("heard", "finding", "ends_at"),
    [
        (seen((1, "discover", ("in tap1", "in br0", "out tap2"))), "dhcp_question_lost", "bridge"),
        (seen((1, "discover", OUT)), "dhcp_unanswered", None),
        (seen((1, "discover", OUT), (2, "offer", BACK[:1])), "dhcp_answer_lost", "bridge"),
        (seen((9, "discover", OUT), (9, "offer", BACK[:1])), "dhcp_answer_lost", "bridge"),
        (seen((1, "request", OUT), (2, "nak", BACK)), "dhcp_refused", None),
        (seen(*AGAIN, (2, "offer", BACK)), "dhcp_answer_not_taken", None),
        (
            seen(*AGAIN, (2, "offer", "left", ("out br0", "out tap1"))),
            "checksum_left_to_do",
            None,
        ),
        (seen((1, "discover", OUT), (2, "offer", "wrong", BACK)), "checksum_wrong", "uplink"),
        (
            seen((1, "discover", "wrong", OUT), (2, "offer", BACK)),
            "checksum_wrong",
            "tap",
        ),
    ],
)
def test_where_the_dhcp_of_a_guest_ends(
    heard: list[Sighting], finding: str, ends_at: str | None
) -> None:
    found = told(heard)
    (mine,) = found["findings"]
    assert (mine["id"], mine["guest"]) == (finding, "vm1")
    assert mine["finding"].endswith(".") and mine["evidence"]
    assert found["ways"][0]["ends_at"] == ends_at


def test_a_checksum_that_is_left_and_made_later_is_nothing() -> None:
    taken = ((1, "offer", "left", ("out br0", "out tap1")), (1, "request", OUT))
    assert told(seen((1, "discover", OUT), *taken))["findings"] == []


def test_of_a_bridge_without_an_uplink_nobody_outside_is_expected_to_answer() -> None:
    heard = seen((1, "discover", ("in tap1", "in br0")))
    found = told(heard, eth0=None, gateways={})
    assert [one["id"] for one in found["findings"]] == []


def test_of_a_tap_in_no_bridge_its_own_finding_is_enough() -> None:
    heard = seen((1, "discover", ("in tap1",)))
    found = told(heard, tap1={"port": None, "master": None})
    assert not any("dhcp" in one["id"] for one in found["findings"])


@pytest.mark.parametrize(
    ("heard", "more", "words"),
    [
        (seen((1, "discover", OUT)), [], "1 of those that were read came in by"),
        ([], [], "7 frames of DHCP came faster than they could be read: whose"),
        (seen((1, "discover", "wrong", OUT)), ["checksum_wrong"], "came in by"),  # what was heard is so
    ],
)  # fmt: skip
def test_where_frames_were_missed_nothing_is_concluded_from_what_was_not_heard(
    heard: list[Sighting], more: list[str], words: str
) -> None:
    found = told(heard, missed=7)["findings"]
    (flood,) = [one for one in found if one["id"] == "dhcp_not_all_heard"]
    assert words in flood["finding"] and flood["evidence"]["missed"] == 7
    assert sorted(one["id"] for one in found) == sorted([*more, "dhcp_not_all_heard"])
