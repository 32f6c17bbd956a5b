# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of multicast groups, in whatever notation; what is refused is in tests/errors/bridge_mdb.yml."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._mdb import spec
from ansible_collections.hypervisor.network.tests.harness.model import error_goldens
from ansible_collections.hypervisor.network.tests.harness.model.mdb_tables import wish_of

ONE = {"bridge": "br0", "port": "tap1", "group": "239.1.1.1"}


@pytest.mark.parametrize(("subject", "case"), error_goldens.entries("bridge_mdb"))
def test_what_is_refused_is_told(subject: str, case: dict[str, Any]) -> None:
    assert error_goldens.told(subject, case)[0] == case["says"]


@pytest.mark.parametrize(
    ("typed", "group"),
    [
        ("FF0E:0:0::0005", "ff0e::5"),
        ("01-1B-19-00-00-00", "01:1b:19:00:00:00"),
        ("0100.5e00.0055", "01:00:5e:00:00:55"),
        ("ff02::1:2:33:4444", "ff02::1:2:33:4444"),
        ("ff02:0:0:0:0:1:ff00:1", "ff02::1:ff00:1"),
    ],
)
def test_a_group_in_any_notation(typed: str, group: str) -> None:
    (wish,) = wish_of({**ONE, "group": typed})
    assert wish["group"] == group and spec.is_mac(group) == group.startswith("01:")


@pytest.mark.parametrize(
    ("port", "group", "asked", "becomes"),
    [
        ("tap1", "239.1.1.1", None, "permanent"),
        ("tap1", "239.1.1.1", "temporary", "temporary"),
        ("br0", "239.1.1.1", None, "temporary"),
        ("br0", "01:1b:19:00:00:00", None, "permanent"),
        ("tap1", "01:1b:19:00:00:00", "permanent", "permanent"),
    ],
)
def test_how_long_an_entry_stays_if_nothing_is_said(
    port: str, group: str, asked: str | None, becomes: str
) -> None:
    (wish,) = wish_of({**ONE, "port": port, "group": group, "type": asked})
    assert wish["type"] == becomes


def test_senders_are_a_set_in_one_notation() -> None:
    listed = ["2001:DB8::2", "2001:db8::1", "2001:db8:0::2"]
    more = {"group": "ff0e::5", "filter_mode": "exclude", "source_list": listed}
    (wish,) = wish_of({**ONE, **more})
    assert wish["source_list"] == ["2001:db8::1", "2001:db8::2"]


@pytest.mark.parametrize("source", ["0.0.0.0", "239.1.1.2", "192.0.2.1/24", "", "fe80::1%eth0"])
def test_what_is_no_sender(source: str) -> None:
    group = "ff0e::5" if ":" in source else "239.1.1.1"
    with pytest.raises(BadInput, match="is no sender's address"):
        wish_of({**ONE, "group": group, "source": source})


def test_absent_wants_neither_port_nor_type() -> None:
    (wish,) = wish_of({"bridge": "br0", "group": "239.1.1.1", "state": "absent"})
    assert (wish["port"], wish["type"]) == (None, None)


def test_the_same_group_at_two_ports_and_from_two_senders_is_no_repetition() -> None:
    entries: list[dict[str, Any]] = [
        {"port": "tap1"},
        {"port": "tap2"},
        {"port": "tap1", "source": "192.0.2.1"},
    ]
    wishes = wish_of(
        {"bridge": "br0", "entries": [{"group": "239.1.1.1", **one} for one in entries]}
    )
    assert len(wishes) == 3
