# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bridges of the role as they run and as they boot: the host's own address without an uplink, an MTU of their own, and an uplink that comes later."""

from __future__ import annotations

from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from ansible_collections.hypervisor.network.tests.harness.host.ifup_boot import boot
from ansible_collections.hypervisor.network.tests.harness.host.role_host import Host
from ansible_collections.hypervisor.network.tests.harness.host.steps import (
    carry_out,
    disagreements,
    look,
)
from ansible_collections.hypervisor.network.tests.harness.net.dump import dump, settled
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules

OWN = ["10.9.0.1/24", "2001:db8:9::1/64"]
WISH = {"bridge_host_bridges": [{"name": "br1", "method": "static", "address": OWN}]}


def addresses(host: Host, dev: str = "br1") -> dict[str, Any]:
    """What iproute2 tells of the global addresses of a device."""
    (link,) = ip_json(host.netns, "address", "show", "dev", dev)
    return {
        f"{one['local']}/{one['prefixlen']}": one.get("broadcast")
        for one in link["addr_info"]
        if one["scope"] == "global"
    }


def test_given_foretold_kept_and_taken_away(host: Host) -> None:
    before, disk = settled(host.netns), host.disk()
    predicted = host.role(WISH, "--check", "--diff")
    assert predicted.status == 0 and "10.9.0.1/24" in predicted.output, predicted.output[-4000:]
    assert dump(host.netns) == before and host.disk() == disk
    first = host.role(WISH)
    assert first.status == 0 and first.changed == predicted.changed, first.output[-4000:]
    assert addresses(host) == {OWN[0]: "10.9.0.255", OWN[1]: None}
    text = host.interfaces.read_text(encoding="ascii")
    assert "address 10.9.0.1/24" in text and "address 2001:db8:9::1/64" in text
    assert host.role(WISH).changed == []

    more = {"bridge_host_bridges": [{**WISH["bridge_host_bridges"][0], "address": ["10.9.0.2/24"]}]}
    assert host.role(more).status == 0
    assert set(addresses(host)) == {*OWN, "10.9.0.2/24"}
    more["bridge_host_bridges"][0]["addresses_mode"] = "exact"
    predicted = host.role(more, "--check")
    last = host.role(more)
    assert last.status == 0 and last.changed == predicted.changed != [], last.output[-4000:]
    assert addresses(host) == {"10.9.0.2/24": "10.9.0.255"}
    assert host.role(more).changed == []

    gone = host.role({"bridge_host_bridges": [{"name": "br1", "state": "absent"}]})
    assert gone.status == 0, gone.output[-4000:]
    assert "br1" not in {link["ifname"] for link in ip_json(host.netns, "link", "show")}
    assert "br1" not in host.interfaces.read_text(encoding="ascii")
    assert all(host.lan.all_reachable().values())


def test_a_bridge_that_goes_down_keeps_its_addresses_and_has_them_when_it_is_up_again(
    host: Host, modules: Modules
) -> None:
    for up in (None, False, None, True, False):
        said = {} if up is None else {"up": up}
        job = {"bridge_host_bridges": [{**WISH["bridge_host_bridges"][0], **said}]}
        foreseen = look(modules, job)
        done = carry_out(modules, foreseen["plan"])
        assert (
            disagreements(foreseen["changes"], done) == [] and look(modules, job)["changes"] == []
        )
        assert set(addresses(host)) == set(OWN), said


def test_a_boot_gives_the_same(host: Host, tmp_path: Path) -> None:
    assert host.role(WISH).status == 0
    made = addresses(host)
    text = host.interfaces.read_text(encoding="ascii")
    batch(host.netns, "link del br1\n")
    own = text[text.index("auto br1") :]
    assert boot(host.netns, own, tmp_path / "boot").endswith("ended with 0")
    assert addresses(host) == made


def test_an_mtu_and_a_mac_of_the_bridges_own_are_there_after_the_first_run_and_after_a_boot(
    host: Host, tmp_path: Path
) -> None:
    bridge = {"name": "br0", "uplink": "eth0", "mtu": 1400, "mac": "02:00:00:00:00:b0"}
    taps = [{"name": "tap1", "bridge": "br0"}, {"name": "tap2", "bridge": "br0", "mtu": 1300}]
    wish = {"bridge_host_bridges": [bridge], "bridge_host_taps": taps}
    first = host.role(wish)
    assert first.status == 0, first.output[-4000:]
    made = {link["ifname"]: link["mtu"] for link in ip_json(host.netns, "link", "show")}
    assert [made[name] for name in ("br0", "eth0", "tap1", "tap2")] == [1400, 1500, 1500, 1300]
    (br0,) = ip_json(host.netns, "link", "show", "br0")
    assert br0["address"] == "02:00:00:00:00:b0"
    assert host.role(wish).changed == []
    batch(host.netns, "link set br0 mtu 1450\n")
    assert host.role(wish, "--tags", "verify").message == "br0 shall have mtu 1400, and has 1450."

    batch(host.netns, "link del tap1\nlink del tap2\nlink del br0\n")
    text = host.interfaces.read_text(encoding="ascii")
    said = boot(host.netns, text, tmp_path / "boot")
    booted = {link["ifname"]: link for link in ip_json(host.netns, "link", "show")}
    assert {name: link["mtu"] for name, link in booted.items()} == made, said
    assert booted["br0"]["address"] == "02:00:00:00:00:b0"


def test_an_uplink_that_comes_in_a_later_run_brings_its_link_local_address(host: Host) -> None:
    assert host.role({"bridge_host_bridges": [{"name": "br0"}]}).status == 0
    (old,) = ip_json(host.netns, "link", "show", "br0")
    second = host.role({"bridge_host_bridges": [{"name": "br0", "uplink": "eth0"}]})
    assert second.status == 0, second.output[-4000:]
    (br0,) = ip_json(host.netns, "-6", "address", "show", "dev", "br0")
    (nic,) = ip_json(host.netns, "link", "show", "eth0")
    (link,) = ip_json(host.netns, "link", "show", "br0")
    assert link["address"] == nic["address"] != old["address"]
    own = bytearray.fromhex(nic["address"].replace(":", ""))
    own[0] ^= 2
    made = IPv6Address(b"\xfe\x80" + bytes(6) + bytes(own[:3]) + b"\xff\xfe" + bytes(own[3:]))
    assert [one["local"] for one in br0["addr_info"] if one["scope"] == "link"] == [str(made)]
    assert all(host.lan.all_reachable().values())


def test_verify_tells_of_a_bridge_that_believes_a_guests_router_advertisement(host: Host) -> None:
    wish = {
        "bridge_host_bridges": [{"name": "br1"}],
        "bridge_host_taps": [{"name": "tap7", "bridge": "br1"}],
    }
    told = "br1 believes router advertisements, and with them any guest's"
    assert told in host.role(wish).output
    for key, quiet, loud in (("accept_ra", 0, 1), ("forwarding", 1, 0), ("disable_ipv6", 1, 0)):
        run("sysctl", "-qw", f"net.ipv6.conf.br1.{key}={quiet}", netns=host.netns)
        assert told not in host.role(wish, "--tags", "verify").output, key
        run("sysctl", "-qw", f"net.ipv6.conf.br1.{key}={loud}", netns=host.netns)
    run("sysctl", "-qw", "net.ipv6.conf.br1.accept_ra=2", netns=host.netns)
    run("sysctl", "-qw", "net.ipv6.conf.br1.forwarding=1", netns=host.netns)
    assert told in host.role(wish, "--tags", "verify").output
