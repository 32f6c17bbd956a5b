# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random valid option sets of bridges and ports: run again is unchanged, and A, B, A is A as iproute2 sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._rtnl import (
    attributes as option_tables,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.attributes import Attribute
from ansible_collections.hypervisor.network.tests.conftest import PYTHONS, needs_root
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    Namespaces,
    batch,
    ip_json,
)
from ansible_collections.hypervisor.network.tests.harness.process.modules import SWITCH, Modules

# The state of a port belongs to the kernel; a locked port may have mab, which others may not.
_LEFT_OUT = {"port_state", "mab"}
# Debian 12's iproute2 is too old to show it; test_attributes.py reads it from the kernel's own bytes.
_UNSEEN = {"fdb_max_learned"}
_MOVING = {
    "hello_timer", "tcn_timer", "topology_change_timer", "gc_timer", "topology_change", "topology_change_detected", "root_id", "bridge_id",
    "designated_port", "designated_cost", "hold_timer", "message_age_timer", "forward_delay_timer", "topology_change_ack", "config_pending",
    "state", "id", "mcast_querier_state",
}  # fmt: skip
BOUNDED = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def value_of(one: Attribute) -> st.SearchStrategy[Any]:
    """Any value that the kernel can hold; even hundredths of a second, which kernels of 100, 250 and 1000 Hz all can."""
    if one.words:
        return st.sampled_from(sorted(one.words))
    if one.wire == "dev":
        return st.sampled_from(["", "v2"])
    if one.wire == "mac":
        return st.sampled_from([one.prefix + digit for digit in "0456789abcdef"])
    if one.type == "bool":
        return st.booleans()
    if one.option == "mcast_hash_max":
        # the kernel itself ends mcast_snooping when the host's own few groups fill the table
        return st.integers(512, int(one.high))
    if one.type == "float":
        return st.integers(int(one.low * 50), int(min(one.high, 10**6) * 50)).map(
            lambda even: even / 50
        )
    return st.integers(int(one.low), int(one.high)).map(lambda number: number & ~one.never)


@st.composite
def wishes(
    draw: st.DrawFn, table: tuple[Attribute, ...], lacking: frozenset[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two wishes about the same options."""
    usable = [one for one in table if one.option not in _LEFT_OUT | lacking]
    chosen = draw(st.lists(st.sampled_from(usable), unique=True, min_size=1))
    pair = tuple({one.option: draw(value_of(one)) for one in chosen} for _side in "ab")
    for wish in pair:
        if "stp_state" in wish or "forward_delay" in wish:
            # no port starts to forward meanwhile: a topology change sets an ageing_time of its own
            delay = draw(st.integers(1000, 1500)) / 50
            wish.update(
                {"stp_state": draw(st.booleans()), "forward_delay": delay}
                if "stp_state" in wish
                else {"stp_state": False, "forward_delay": delay}
            )
    return pair[0], pair[1]


@pytest.fixture(scope="module")
def host(target_path: str) -> Iterator[Modules]:
    needs_root()
    with Namespaces("random") as names:
        batch(names["random"], SWITCH)
        with Modules(names["random"], str(PYTHONS["pyroute2-0.9.7"]), target_path) as modules:
            yield modules


@pytest.fixture(scope="module")
def lacking(host: Modules) -> frozenset[str]:
    """What this kernel has not; that it is refused is shown in test_attributes.py."""
    shown = {
        **host.done("linux_bridge", name="br0")["bridge"],
        **host.done("bridge_port", name="v0", bridge="br0")["port"],
    }
    vlans = (
        set()
        if "vlan_protocol" in shown
        else {
            one.option for one in option_tables.BRIDGE if one.option.startswith(("vlan_", "mst_"))
        }
    )
    return frozenset(
        {one.option for one in option_tables.BRIDGE + option_tables.PORT if one.option not in shown}
        | vlans
    )


def seen(netns: str, dev: str) -> dict[str, Any]:
    """The device's own settings as iproute2 shows them."""
    info = ip_json(netns, "-d", "link", "show", "dev", dev)[0]["linkinfo"]
    return {
        key: value
        for part in info.values()
        if isinstance(part, dict)
        for key, value in part.items()
        if key not in _MOVING
    }


@pytest.mark.parametrize(
    ("module", "dev", "more", "table"),
    [
        ("linux_bridge", "br0", {}, option_tables.BRIDGE),
        ("bridge_port", "v0", {"bridge": "br0"}, option_tables.PORT),
    ],
    ids=["bridge", "port"],
)
def test_again_is_unchanged_and_a_b_a_is_a(
    host: Modules,
    lacking: frozenset[str],
    module: str,
    dev: str,
    more: dict[str, str],
    table: tuple[Attribute, ...],
) -> None:
    @BOUNDED
    @given(wishes(table, lacking))
    def holds(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
        first, second = ({"name": dev, **more, **wish} for wish in pair)
        # whatever the example before this one left
        host.done("linux_bridge", name="br0", stp_state=False, forward_delay=20)
        host.done(module, **first)
        once = seen(host.netns, dev)
        assert not host.done(module, **first)["changed"]
        changed = host.done(module, **second)["changed"]
        differing = {key for key in pair[0] if pair[0][key] != pair[1][key]}
        assert changed == bool(differing) and (seen(host.netns, dev) != once) == bool(
            differing - _UNSEEN
        )
        assert not host.done(module, **second)["changed"]
        assert host.done(module, **first)["changed"] == changed
        assert seen(host.netns, dev) == once
        assert not host.done(module, **first)["changed"]

    holds()
