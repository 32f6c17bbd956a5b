# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""netplan behind the port: its generator runs before networkd's reload, and what it makes is what is waited for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Sequence

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    HANDED,
    OWN,
    Standing,
)
from ansible_collections.hypervisor.network.plugins.module_utils._netplan.manager import Netplan
from ansible_collections.hypervisor.network.plugins.module_utils._netplan.plan import (
    drop_in,
    generated,
    nic_id,
    plan,
    yaml_file,
)
from ansible_collections.hypervisor.network.plugins.module_utils._networkd import unit
from ansible_collections.hypervisor.network.tests.harness.model.networkd import Networkd
from ansible_collections.hypervisor.network.tests.harness.model.standing import (
    WISH,
    persisted,
    standing,
)

NETDEV = (
    "[NetDev]\nName=br0\nKind=bridge\nMACAddress=52:54:00:00:00:10\n[Bridge]\nForwardDelaySec=0\n"
)


class Host(Networkd):
    """netplan's generator makes these of our YAML: that it does is its own oracle's business (test_plan.py)."""

    def __init__(self, root: Path) -> None:
        self.generated = 0
        super().__init__(root)

    def run(self, words: Sequence[str], seconds: float) -> Done:
        if list(words) != ["netplan", "generate"]:
            return super().run(words, seconds)
        self.generated += 1
        for dev, name in (("eth0", nic_id("eth0")), ("br0", "br0")):
            self.put(generated(name), f"[Match]\nName={dev}\n")
        return Done(0)


def test_the_bridge_is_netplans_after_it_has_read_its_files(tmp_path: Path) -> None:
    host = Host(tmp_path)
    manager = Netplan(host.control)
    known = manager.look(host.owner(), "br0")
    assert manager.stage(host.owner(), "br0") == OWN
    now = replace(standing(), known={"eth0": known})
    for one in manager.plan(now, WISH):
        if one.text is not None:
            host.put(one.path, one.text)
    manager.load(now, WISH)
    assert host.generated == 1 and host.owner("br0").source == generated("br0")
    assert manager.stage(host.owner(), "br0") == HANDED
    # what it was before is known from the drop-in, and so are the words for the way back
    again = manager.look(host.owner(), "br0")
    assert (again.source, again.config) == (known.source, known.config)
    assert unit.value(again.said, "DHCPv4", "IAID") == "0xe2343f3e"
    manager.release(host.owner(), "br0")
    assert host.owner().source == "/run/systemd/network/03-hypervisor-network-eth0.network"
    assert host.text(drop_in(nic_id("eth0"))) is not None
    assert plan(now, WISH) == list(manager.plan(now, WISH))


@pytest.mark.parametrize(("name", "refused"), [("00-lan", True), ("0a", True), ("0hv", False), ("0lan", False), ("all-en", False)])  # fmt: skip
def test_a_definition_that_would_win_at_boot_is_told_before_anything_is_done(
    tmp_path: Path, name: str, refused: bool
) -> None:
    """netplan's files are tried in the order of their ids: the NIC would boot as a host's, in no bridge."""
    host = Host(tmp_path)
    manager = Netplan(host.control)
    host.put(generated(name), "[Match]\nName=eth0\n[Network]\nDHCP=yes\n")
    known = replace(manager.look(host.owner(), "br0"), source=generated(name))
    found = manager.objection(host.owner(), known)
    assert (found is not None) == refused
    assert not refused or "an id that begins with a letter" in str(found)


def test_a_bridge_of_the_administrators_own_yaml(tmp_path: Path) -> None:
    """What netplan made of it is what is compared, and our drop-ins stand beside that."""
    host = Host(tmp_path)
    host.put("/run/systemd/network/10-netplan-br0.netdev", NETDEV)
    host.put(generated("eth0"), "[Match]\nName=eth0\n[Network]\nBridge=br0\n")
    host.put(generated("br0"), "[Match]\nName=br0\n[Network]\nAddress=10.77.0.11/24\n")
    host.take()
    manager = Netplan(host.control)
    known = manager.look(host.owner(), "br0")
    assert known.theirs and manager.stage(host.owner(), "br0") == HANDED
    now = replace(standing(ageing_time=60.0), known={"eth0": known})
    wish = replace(WISH, ports=[], taps=[])
    written = {one.path: one.text for one in manager.plan(now, wish) if one.text is not None}
    assert list(written) == [drop_in("br0", "netdev")]
    assert written[drop_in("br0", "netdev")].endswith("[Bridge]\nAgeingTimeSec=60\n")
    gone = [one.path for one in manager.plan(now, replace(wish, present=False))]
    assert gone.count(drop_in("br0", "netdev")) == 1
    # one that our YAML makes is ours, whatever netplan makes of it
    host.put(yaml_file("br0"), "network: {}\n")
    assert not manager.look(host.owner(), "br0").theirs


def test_what_stands_beside_the_id_of_another_nic_goes_with_it(tmp_path: Path) -> None:
    """The NIC had another name when the YAML was written; what stands beside a file that netplan makes no more would stay for ever."""
    host = Host(tmp_path)
    manager, now = Netplan(host.control), standing()
    (yaml,) = [one for one in manager.plan(now, WISH) if one.path == yaml_file("br0")]
    host.put(yaml.path, (yaml.text or "").replace("0hv-eth0", "0hv-eth9"))
    for wish in (WISH, replace(WISH, present=False)):
        gone = [one.path for one in manager.plan(now, wish) if one.text is None]
        assert drop_in(nic_id("eth9")) in gone


def converted(host: Host) -> tuple[Standing, dict[str, str]]:
    """A host that boots its bridge by our YAML: what stands, and our files by path."""
    now, written = persisted(host, Netplan(host.control))
    # as it is after a boot
    host.put("/run/systemd/network/10-netplan-br0.netdev", NETDEV)
    host.run(["netplan", "generate"], 1)
    host.put(generated(nic_id("eth0")), "[Match]\nName=eth0\n[Network]\nBridge=br0\n")
    host.take()
    return now, written


def test_a_yaml_of_ours_that_went_by_hand_is_written_again(tmp_path: Path) -> None:
    """What netplan made of it was taken for the administrator's own, and what stands beside it was deleted."""
    host = Host(tmp_path)
    now, written = converted(host)
    (tmp_path / yaml_file("br0")[1:]).unlink()
    manager = Netplan(host.control)
    again = replace(now, known={"eth0": manager.look(host.owner(), "br0")})
    assert not again.known["eth0"].theirs
    assert manager.objection(host.owner(), again.known["eth0"]) is None
    found = {one.path: one.text for one in manager.plan(again, WISH)}
    assert {path: found[path] for path in written} == written


@pytest.mark.parametrize("text", ["network:\n  bridges:\n    br0: {}\n", 'network: {bridges: {"br0": {interfaces: [eth0]}}}\n'])  # fmt: skip
def test_a_bridge_of_ours_that_the_administrator_has_in_yaml_by_now_is_theirs(
    tmp_path: Path, text: str
) -> None:
    host = Host(tmp_path)
    converted(host)
    (tmp_path / yaml_file("br0")[1:]).unlink()
    (tmp_path / generated(nic_id("eth0"))[1:]).unlink()
    host.put("/etc/netplan/50-own.yaml", text)
    host.put(generated("eth0"), "[Match]\nName=eth0\n[Network]\nBridge=br0\n")
    host.take()
    assert Netplan(host.control).look(host.owner(), "br0").theirs


def test_a_drop_in_that_went_by_hand_takes_what_the_bridge_has_with_it(tmp_path: Path) -> None:
    """It alone tells what was in force for the NIC: all that netplan's file says is that this is a port."""
    host = Host(tmp_path)
    converted(host)
    place = drop_in(nic_id("eth0"))
    (tmp_path / place[1:]).unlink()
    host.take()
    manager = Netplan(host.control)
    said = str(manager.objection(host.owner(), manager.look(host.owner(), "br0")))
    assert said.startswith(f"{generated(nic_id('eth0'))}, by which eth0 is a port, is gone or")
    assert f"put {place} back as it was, with its line '# before: PATH'" in said
