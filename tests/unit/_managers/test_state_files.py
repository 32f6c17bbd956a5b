# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What managers say of a device, in the words of systemd's networkd-link.c and NetworkManager's nm-device.c."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._managers import (
    owners,
    state_files,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import managers

# every word of link_state_table
STATES = {
    "pending": False,
    "initialized": False,
    "configuring": True,
    "configured": True,
    "unmanaged": False,
    "failed": True,
    "linger": False,
}


@pytest.mark.parametrize(("word", "own"), STATES.items())
def test_who_asks_for_an_adapter_and_who_refuses_without_one_say_the_same(
    word: str, own: bool
) -> None:
    said = f"# This is private data. Do not parse.\nADMIN_STATE={word}\nNETWORK_FILE=/a\n"
    link = state_files.LINK.format(index=2)
    assert (owners.owner("eth0", 2, {link: said}) is not None) is own
    refused = list(managers.objections("eth0", managers.Traces({link: said})))
    assert [name for name, _why in refused] == (["networkd"] if own else [])


@pytest.mark.parametrize(("word", "own"), [("true", True), ("false", False), ("", False)])
def test_a_device_of_networkmanagers(word: str, own: bool) -> None:
    said = f"[device]\nmanaged = {word}\n"
    assert state_files.is_networkmanagers(state_files.keys(said)) is own
    assert not state_files.is_networkds(state_files.keys(said))


def test_a_device_of_nobodys() -> None:
    assert not state_files.is_networkds({}) and not state_files.is_networkmanagers({})
