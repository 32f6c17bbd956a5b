# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G13: hosts of a cloud whose network cloud-init itself writes, for netplan and for ifupdown: what it would take back is refused, or switched off.

It is told to write anew at each boot, and the cloud says something else each time; so what it leaves alone is seen by what it does not write.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab import journey
from ansible_collections.hypervisor.network.tests.harness.lab.cloud_host import (
    ADDRESS,
    SECOND,
    CloudHost,
)
from ansible_collections.hypervisor.network.tests.harness.lab.networkd_host import BRIDGE, NIC
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

pytestmark = pytest.mark.skipif(not LONG, reason="seven boots with cloud-init: make faults runs it")

BRIDGES = [{"name": BRIDGE, "uplink": NIC, "stp_state": False, "forward_delay": 0, "maxwait": 0}]
OURS = {"bridge_host_bridges": BRIDGES, "bridge_host_cloud_init_network": False}
GONE = {"bridge_host_bridges": [{**BRIDGES[0], "state": "absent"}]}
RENDERED = {
    "netplan": "/etc/netplan/50-cloud-init.yaml",
    "ifupdown": "/etc/network/interfaces.d/50-cloud-init",
}


@dataclass
class Life:
    """What was seen of a host, by step."""

    renderer: str
    host: CloudHost
    refused: list[str] = field(default_factory=list)
    untouched: bool = False
    changed: dict[str, list[str]] = field(default_factory=dict)
    layer3: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def look(self, name: str, dev: str) -> None:
        self.host.until_it_answers()
        self.layer3[name] = self.host.layer3(dev)
        self.files[name] = self.host.written()

    def role(self, name: str, **variables: Any) -> None:
        played = self.host.by_role(**variables)
        assert played.status == 0, played.output[-6000:]
        self.changed[name] = played.changed

    def booted(self, name: str, dev: str, instance: str, *addresses: str) -> None:
        self.host.seed(instance, *addresses)
        self.host.reboot()
        self.look(name, dev)


@pytest.fixture(scope="module", params=list(RENDERED))
def life(request: pytest.FixtureRequest) -> Iterator[Life]:
    with CloudHost(request.param) as host:
        seen = Life(request.param, host)
        _refused(seen)
        seen.booted("before", NIC, "i-1", ADDRESS)
        seen.role("there", **OURS)
        seen.look("there", BRIDGE)
        seen.role("twice", **OURS)
        seen.booted("same instance", BRIDGE, "i-1", ADDRESS, SECOND)
        seen.booted("other instance", BRIDGE, "i-2", ADDRESS, SECOND)
        seen.role("after the boots", **OURS)
        seen.role("back", **GONE)
        seen.look("back", NIC)
        seen.booted("booted as before", NIC, "i-2", ADDRESS, SECOND)
        yield seen


def _refused(seen: Life) -> None:
    """Without the word for it: the role where cloud-init has a say in what boots, and each module that would write it down."""
    host = seen.host
    before = host.written()
    if seen.renderer == "ifupdown":
        seen.refused.append(host.by_role(bridge_host_bridges=BRIDGES).message)
        stanza = {"name": BRIDGE, "take_over": NIC, "options": {"bridge_fd": 0}}
        seen.refused.append(host.run("interfaces_stanza", **stanza)["msg"])
    else:
        # its file tells of a bridge of that name
        host.seed("i-0", ADDRESS, more={"bridges": {BRIDGE: {}}})
        host.reboot()
        host.until_it_answers()
        before = host.written()
        seen.refused.append(host.by_role(bridge_host_bridges=BRIDGES).message)
    seen.untouched = host.written() == before


def test_g13_what_cloud_init_would_write_anew_is_refused_by_its_file_and_with_the_way_out(
    life: Life,
) -> None:
    assert life.refused and life.untouched
    for message in life.refused:
        assert "cloud-init" in message and "anew at" in message, message
        assert "cloud_init_network: false" in message
    assert RENDERED[life.renderer] in life.refused[-1]


def test_g13_the_role_does_it_where_it_is_told_to_and_twice_nothing(life: Life) -> None:
    assert life.changed["there"] and life.changed["back"]
    assert life.changed["twice"] == life.changed["after the boots"] == []


def test_g13_no_boot_takes_the_bridge_back(life: Life) -> None:
    expected = journey.bridged(life.layer3["before"])
    for name in ("there", "same instance", "other instance"):
        assert life.layer3[name] == expected, name
        assert life.files[name] == life.files["there"], name
    assert "network: {config: disabled}" in life.files["there"]


def test_g13_the_way_back_leaves_every_file_as_it_was(life: Life) -> None:
    assert life.files["back"] == life.files["before"]
    assert life.layer3["back"] == life.layer3["before"]


def test_g13_cloud_init_writes_again_after_it(life: Life) -> None:
    assert SECOND not in life.files["before"]
    assert SECOND in life.files["booted as before"]
    assert f"{SECOND}/24" in life.layer3["booted as before"]["addresses"]
