# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets to draw, in the shape that bridge_info and qemu_guest_info really return: their own functions make it out of snapshots."""

from __future__ import annotations

from typing import Any, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import (
    Holder,
    Link,
    Snapshot,
)
from ansible_collections.hypervisor.network.plugins.module_utils._info import describe
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import guest as guest_words
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.neigh import (
    Forwarding,
    Neighbour,
)
from ansible_collections.hypervisor.network.tests.harness.model import simulated

IFF_UP, RUNNING = 0x1, 0x10001
TENANTS = ("blue", "red", "green", "accounting", "lab-47", "guests", "storage", "voice", "dmz")
# What others may write into names and aliases: markup, quotes, marks that turn the direction, line ends, a Graphviz and a Mermaid word
HOSTILE = (
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "\"quoted\" 'name'",
    "line\nend; h0n0 --> h0n1",
    "</script><img src=x onerror=alert(2)>",
    "\\N\\l&lt;b&gt;",
    "שלום-vm",
    "%%{init}%% `#35;` |x|",
    "]] --> end",
    "{{ 7 * 7 }}",
)
FIFTEEN = "<b>&\"'\\;#`|]}%"


def mac(number: int) -> str:
    return f"52:00:00:00:{number // 256:02x}:{number % 256:02x}"


def bridge(name: str, filtering: bool = True, **more: Any) -> Link:
    options = {"vlan_filtering": filtering, "stp_state": False, "vlan_default_pvid": 1}
    return Link(
        name, 1, "bridge", RUNNING, "52:54:00:00:00:01",
        options={**options, **more.pop("options", {})}, vlans={"1": "pvid untagged"}, **more,
    )  # fmt: skip


def port(name: str, kind: str, vlans: dict[str, str], index: int, **more: Any) -> Link:
    own = {"port_no": index, "port_state": "forwarding", **more.pop("port", {})}
    more = {"master": "br0", "flags": RUNNING, "mac": f"fe:00:00:00:00:{index % 256:02x}", **more}
    return Link(name, index, kind, port=own, vlans=vlans, options={"mode": "tap"}, **more)


def info(
    now: Snapshot,
    fdb: Sequence[Forwarding] = (),
    heard: Sequence[Neighbour] = (),
    lldp: dict[str, list[dict[str, str]]] | None = None,
) -> dict[str, Any]:
    """What bridge_info returns of it."""
    return {
        "bridges": describe.bridges(now, fdb, None, None),
        "links": describe.links(now, {"eth0": 10000, "eth1": 10000}, lldp or {}),
        "addresses": describe.addresses(now),
        "neighbours": describe.neighbours(heard),
    }


def switch(system: str, port: str, description: str = "") -> dict[str, str]:
    """A neighbour as it says itself by LLDP."""
    return {"system": system, "chassis": mac(0), "port": port, "description": description}


def guest(
    name: str, tap: str, mac: str, now: Snapshot, fdb: Sequence[Forwarding] = (), **more: Any
) -> dict[str, Any]:
    """What qemu_guest_info returns of it."""
    spec = {"nics": [{"tap": tap, "mac": mac}], "memory": "512"}
    one = guest_words.Guest(name, **{"status": "running", "spec": spec, "pid": 4711, **more})
    return guest_words.describe_with_wires(one, now.links, fdb, 100.0)


def host(
    guests: int, first: int = 0, names: Sequence[str] = (), odd: bool = True
) -> dict[str, Any]:
    """A host with that many guests of several tenants on a bond, and its variables.

    C(odd): the last five guests are as they should not be. C(names) are those of its first guests.
    """
    links = {
        "eth0": Link("eth0", 2, "", RUNNING, "52:54:00:00:00:01", master="bond0"),
        "eth1": Link(
            "eth1", 3, "", IFF_UP if odd else RUNNING, "52:54:00:00:00:01", master="bond0"
        ),
        "bond0": port("bond0", "bond", {"1": "pvid untagged", "10-18": "tagged"}, 4),
        "br0": bridge("br0"),
        "br-idle": bridge("br-idle", filtering=False),
    }
    called = [*names, *(f"vm{first + one:04}" for one in range(len(names), guests))]
    taps = [f"tap{one}" for one in range(guests)]
    fdb, heard, holders = [], [], {}
    for number, tap in enumerate(taps):
        vlan = 10 + number % len(TENANTS)
        links[tap] = port(tap, "tun", {str(vlan): "pvid untagged"}, 10 + number)
        fdb.append(
            Forwarding("br0", tap, mac(first + number), vlan, False, False, float(number % 60))
        )
        heard.append(
            Neighbour("br0", f"10.{vlan}.{first // 200}.{number + 2}", 2, mac(first + number), 2)
        )
        holders[tap] = Holder(5000 + number, called[number])
    wish: dict[str, Any] = {
        "bridges": [
            {"name": "br0", "uplink": "bond0", "vlan_filtering": True},
            {"name": "br-idle"},
        ],
        "taps": [{"name": tap, "bridge": "br0"} for tap in taps],
        "guests": [{"name": name, "nics": [{"tap": tap}]} for name, tap in zip(called, taps)],
        "tenants": [
            {"name": tenant, "vlan": 10 + number, "guests": called[number :: len(TENANTS)]}
            for number, tenant in enumerate(TENANTS)
        ],
    }
    gone: tuple[str, ...] = ()
    status = dict.fromkeys(called, "running")
    if odd:
        crashed, stopped, lost, _other, surplus = called[-5:]
        status.update({crashed: "crashed", stopped: "stopped"})
        gone = (lost,)
        del links[taps[-3]], holders[taps[-4]], holders[taps[-5]]
        for tap in (taps[-4], taps[-5]):
            links[tap] = port(tap, "tun", dict(links[tap].vlans or {}), 300, flags=IFF_UP)
        links[taps[-2]] = port(taps[-2], "tun", {"1": "pvid untagged"}, 301)
        wish["guests"] = [one for one in wish["guests"] if one["name"] != surplus]
        for tenant in wish["tenants"]:
            tenant["guests"] = [one for one in tenant["guests"] if one != surplus]
        wish["taps"].pop()
        links["tap-free"] = port("tap-free", "tun", {"1": "pvid untagged"}, 302, flags=IFF_UP)
        wish["taps"].append({"name": "tap-free", "bridge": "br0", "access_vlan": 1})
    now = Snapshot(links, (simulated.address("br0", "192.0.2.10/24"),), holders)
    found = [
        guest(name, tap, mac(first + number), now, fdb, status=status[name])
        for number, (name, tap) in enumerate(zip(called, taps))
        if name not in gone
    ]
    lldp = {dev: [switch(f"sw{one}.example.com", f"Ethernet{first // 200 + 1}/1")] for one, dev in enumerate(("eth0", "eth1"), 1)}  # fmt: skip
    return {"info": info(now, fdb, heard, lldp), "guests": {"guests": found}, "wish": wish}


def fleet(hosts: int, guests: int) -> dict[str, Any]:
    """That many hosts, each with that many guests; of two of them a little is not as it should be, and one more does not answer."""
    found = {
        f"hv{number:02}.example.com": host(guests, number * 200, odd=number in (1, 2))
        for number in range(hosts)
    }
    wish = host(guests, hosts * 200, odd=False)["wish"]
    return {
        **found,
        "hv-gone.example.com": {
            "info": {"unreachable": True, "msg": "No route to host"},
            "wish": wish,
        },
    }


def hostile() -> dict[str, Any]:
    """Hosts, devices, guests and aliases that are called what nobody would."""
    now = Snapshot(
        {
            "br0": bridge("br0", alias=HOSTILE[0]),
            "eth0": port("eth0", "", {"1": "pvid untagged"}, 4),
            FIFTEEN: port(FIFTEEN, "tun", {"10": "pvid untagged"}, 5, alias=HOSTILE[3]),
            "\u202etap": port("\u202etap", "tun", {"10": "pvid untagged"}, 6),
        },
        holders={FIFTEEN: Holder(7, HOSTILE[4])},
    )
    guests = [
        guest(name, FIFTEEN if number % 2 else "\u202etap", mac(number), now)
        for number, name in enumerate(HOSTILE)
    ]
    findings = [
        {
            "id": "x",
            "severity": "error",
            "finding": HOSTILE[number],
            "guest": HOSTILE[number],
            "evidence": {HOSTILE[2]: HOSTILE[4], "ports": [HOSTILE[1]]},
            "cure": [{HOSTILE[0]: {HOSTILE[1]: HOSTILE[4]}}],
        }
        for number in (0, 4)
    ]
    wish = {"bridges": [{"name": "br0", "uplink": "eth0"}], "guests": [], "taps": []}
    lldp = {"eth0": [switch(HOSTILE[0], HOSTILE[1], HOSTILE[3])]}
    return {
        HOSTILE[0]: {
            "info": info(now, lldp=lldp),
            "guests": guests,
            "findings": findings,
            "wish": wish,
        },
        HOSTILE[4]: {"info": {"msg": HOSTILE[3]}},
    }


def wired() -> dict[str, Any]:
    """A host whose bridges have long ways to the wire: by two NICs at once, and over bond and VLAN device, all with long names and neighbours."""
    nics = [f"enp129s0f{number}np{number}" for number in range(4)]
    tagged = {"1": "pvid untagged"}
    links = {
        **{nic: Link(nic, 2, "", RUNNING, mac(2), master="bond-of-storage") for nic in nics[:2]},
        **{nic: port(nic, "", tagged, 4, master="br-of-the-lan0") for nic in (nics[2], "eth9")},
        "bond-of-storage": Link("bond-of-storage", 3, "bond", RUNNING, mac(3)),
        "storage.1234": port("storage.1234", "vlan", tagged, 5, lower="bond-of-storage", master="br-of-storage0"),
        "br-of-storage0": bridge("br-of-storage0"),
        "br-of-the-lan0": bridge("br-of-the-lan0"),
    }  # fmt: skip
    links["storage.1234"].options["vlan_id"] = 1234
    lldp = {nic: [switch("switch-of-the-first-rack.example.com", "TenGigabitEthernet1/0/1")] for nic in nics}  # fmt: skip
    return {"hv1.example.com": {"info": info(Snapshot(links), lldp=lldp)}}


def ill() -> dict[str, Any]:
    """A host with something of the doctor's to say about each part of the first guest's way."""
    found = [
        {"id": "x", "severity": severity, "guest": "vm0000", "device": device, "evidence": {"seen": device or "vm0000"},
         "cure": [{"hypervisor.network.bridge_port": {"name": device, "up": True}}] if severity == "error" else [],
         "finding": f"Something is wrong with {device or 'vm0000'}."}
        for severity, device in (("warning", "eth0"), ("warning", "bond0"), ("error", "br0"), ("error", "tap0"), ("warning", None))
    ]  # fmt: skip
    return {"hv1.example.com": {**host(9, odd=False), "findings": found}}


def many() -> dict[str, Any]:
    """Guests whose long names differ at the end, each of a tenant of its own, on a host that has room for few of them on the screen."""
    names = [f"web-frontend-production-{number:03}" for number in range(150)]
    found = host(len(names), names=names, odd=False)
    found["wish"]["tenants"] = [
        {"name": f"customer-{number:03}", "vlan": 10 + number % len(TENANTS), "guests": [name]}
        for number, name in enumerate(names)
    ]
    return {"hv1.example.com": found}


def readme() -> dict[str, Any]:
    """The small host that README shows: two tenants, of whose guests one is missing, and a tap that nobody asked for."""
    now = Snapshot(
        {
            "eth0": port("eth0", "", {"1": "pvid untagged", "10": "tagged", "20": "tagged"}, 2),
            "br0": bridge("br0"),
            "tap1": port("tap1", "tun", {"10": "pvid untagged"}, 3),
            "tap9": port("tap9", "tun", {"1": "pvid untagged"}, 5, flags=IFF_UP),
        },
        holders={"tap1": Holder(4711, "vm1")},
    )
    fdb = [Forwarding("br0", "tap1", mac(1), 10, False, False, 1.0)]
    wish = {
        "bridges": [{"name": "br0", "uplink": "eth0"}],
        "taps": [{"name": "tap1", "bridge": "br0"}, {"name": "tap2", "bridge": "br0"}],
        "guests": [{"name": f"vm{number}", "nics": [{"tap": f"tap{number}"}]} for number in (1, 2)],
        "tenants": [
            {"name": "blue", "vlan": 10, "guests": ["vm1"]},
            {"name": "red", "vlan": 20, "guests": ["vm2"]},
        ],
    }
    guests = [guest("vm1", "tap1", mac(1), now, fdb)]
    return {"hv1.example.com": {"info": info(now, fdb), "guests": guests, "wish": wish}}
