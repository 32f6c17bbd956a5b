# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What passes through the port: nothing is wished for, or readable for less than all, unless it is said."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._managers import port
from ansible_collections.hypervisor.network.plugins.module_utils._persist.table import ADAPTERS
from ansible_collections.hypervisor.network.plugins.module_utils._persist.writers import WRITERS


def test_an_empty_wish_names_nothing() -> None:
    wish = port.Wish()
    assert not (wish.bridges or wish.uplinks or wish.ports or wish.taps) and wish.present


def test_a_file_is_readable_for_all_unless_it_says_otherwise() -> None:
    assert (port.File("/a", "b").mode, port.File("/a", "b", 0o600).mode) == (0o644, 0o600)


def test_a_manager_has_one_word() -> None:
    assert len(set(port.NAMES)) == len(port.NAMES) == 5
    assert len({port.OWN, port.HELD, port.HANDED}) == 3


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_has_the_verbs_that_a_conversion_takes(name: str) -> None:
    assert name in port.NAMES
    for verb in ("look", "objection", "unknown", "stage", "hold", "hand_over", "release"):
        assert callable(getattr(ADAPTERS[name], verb))
    assert all(path.startswith("/") for path in ADAPTERS[name].programs)


@pytest.mark.parametrize("name", port.NAMES)
def test_whoever_it_is_the_next_boot_is_written_by_the_same_verbs(name: str) -> None:
    for verb in ("look", "objection", "plan", "load"):
        assert callable(getattr(WRITERS[name], verb))
    assert WRITERS[name].name == name


def test_a_wish_less_some_devices() -> None:
    wish = port.Wish(["br0", "br1"], ["eth0"], ["veth1"], ["tap1"], present=False)
    assert wish.without(["br0", "tap1"]) == port.Wish(
        ["br1"], ["eth0"], ["veth1"], [], present=False
    )


@pytest.mark.parametrize(
    ("runs", "said", "are"),
    [
        ([], [], True),
        (["10.0.0.1/24", "fd00::1/64"], ["fd00:0::0001/64", "10.0.0.1/24"], True),
        (["10.0.0.1/32"], ["10.0.0.1"], True),
        (["10.0.0.1/24"], ["10.0.0.1/16"], False),
        (["10.0.0.1/24"], [], False),
        (["10.0.0.1/24"], ["no address"], False),
    ],
)
def test_addresses_are_alike_however_they_are_written(
    runs: list[str], said: list[str], are: bool
) -> None:
    assert port.alike(runs, said) == are
