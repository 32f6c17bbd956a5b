# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random valid variables of the role, and whether a run of them is the plan that was printed. Each example's wishes meet what those before have left."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ..host.steps import carry_out, disagreements, look
from ..process.modules import Modules

NAMES = ("tap1", "tap2", "tap3")
_SECONDS = st.integers(100, 1500).map(lambda even: even / 50)


@st.composite
def jobs(draw: st.DrawFn, vlans: bool = False) -> dict[str, Any]:
    """Variables of the role that may be anything valid: what is listed, with which options, and what shall go; C(vlans): tenants and VLANs of ports too."""
    # VLANs are of what is there, so then there is more
    likely = st.sampled_from([True, True, True, False]) if vlans else st.booleans()
    keeps = draw(likely)
    uplink = {"name": "br0", "uplink": "eth0", "state": "present" if keeps else "absent"}
    if keeps:
        uplink.update(draw(_some(_BRIDGE)))
    bridges = [uplink]
    for name, networks in _INNER.items():
        state = draw(st.sampled_from([None, "present", "absent"]))
        if state == "present":
            own = draw(st.sampled_from([[], *networks]))
            method = {"method": "static", "address": own} if own else {}
            bridges.append({"name": name, **method, **draw(_some(_BRIDGE)), **draw(_some(_STP))})
        elif state == "absent":
            bridges.append({"name": name, "state": "absent", "force": True})
    there = [one["name"] for one in bridges if one.get("state") != "absent"]
    taps = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=2 if vlans else 0)):
        home = draw(st.sampled_from(there if vlans and there else [None, *there]))
        if draw(likely) and there:
            plug = {} if home is None else {"bridge": home, "steal": True, **draw(_some(_PORT))}
            taps.append({"name": name, "force": True, **plug, **draw(_some(_TAP))})
        else:
            taps.append({"name": name, "state": "absent"})
    home = [one["name"] for one in taps if one.get("bridge")]
    # of these, one in a few: each is a QEMU that starts and ends
    guests = [] if vlans or draw(st.integers(0, 3)) else [draw(_guest(home))]
    job = {
        "bridge_host_bridges": bridges,
        "bridge_host_guests": guests,
        "bridge_host_taps": taps,
        "bridge_host_persist": draw(st.booleans()),
    }
    return {**job, **draw(_divided(bridges, taps))} if vlans else job


@st.composite
def _divided(draw: st.DrawFn, bridges: list[Any], taps: list[Any]) -> dict[str, Any]:
    """The same bridges and taps with VLANs: bridges that filter, some taps with VLANs of their own, and some of a tenant."""
    filtering = {one["name"] for one in bridges if one.get("state") != "absent" and draw(st.integers(0, 3))}  # fmt: skip
    ours: dict[str, list[str]] = {"blue": [], "red": []}
    divided = []
    for tap in taps:
        which = draw(st.sampled_from(["none", "own", *ours])) if tap.get("bridge") in filtering else "none"  # fmt: skip
        if which in ours:
            ours[which].append(tap["name"])
        divided.append({**tap, **(draw(_VLANS) if which == "own" else {})})
    first = draw(st.integers(2, 40))
    tenants = [
        {"name": name, "vlan": first + number, "taps": members}
        for number, (name, members) in enumerate(ours.items())
        if members
    ]
    return {
        "bridge_host_bridges": [
            {**one, "vlan_filtering": True} if one["name"] in filtering else one for one in bridges
        ],
        "bridge_host_taps": divided,
        "bridge_host_tenants": tenants,
    }


_VLANS = st.one_of(
    st.integers(50, 60).map(lambda vid: {"access_vlan": vid}),
    st.tuples(st.integers(50, 55), st.integers(0, 5), st.integers(60, 62)).map(
        lambda three: {"trunk_vlans": [f"{three[0]}-{three[0] + three[1]}"], "native_vlan": three[2]}
    ),
    st.just({"trunk_vlans": ["70", "80-82"]}),
)  # fmt: skip


_BRIDGE: dict[str, st.SearchStrategy[Any]] = {
    "ageing_time": _SECONDS,
    "mtu": st.sampled_from([1400, 1500]),
    "alias": st.sampled_from(["the first", "die zweite"]),
    "mcast_snooping": st.booleans(),
    "mcast_querier": st.booleans(),
    "mcast_router": st.integers(0, 2),
    "mac": st.sampled_from(["02:00:00:00:00:b0", "02:00:00:00:00:b1"]),
    "priority": st.sampled_from([4096, 32768]),
    "group_fwd_mask": st.sampled_from([0, 8, 16384]),
    "no_linklocal_learn": st.booleans(),
    "txqueuelen": st.integers(1, 2000),
}
# of bridges without an uplink: nobody waits until a port of theirs forwards
_STP: dict[str, st.SearchStrategy[Any]] = {
    "stp_state": st.booleans(),
    "forward_delay": st.integers(11, 15),
    "hello_time": st.integers(1, 2),
    "max_age": st.integers(6, 20),
    "up": st.booleans(),
}
_INNER = {"br1": [["10.50.0.1/24"], ["10.50.0.1/24", "fd50::1/64"]], "br2": [["fd51::1/64"]]}
_PORT: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(
        (
            "isolated", "learning", "hairpin", "guard", "root_block", "fastleave", "flood", "bcast_flood", "mcast_flood",
            "mcast_to_unicast", "neigh_suppress", "locked",
        ),
        st.booleans(),
    ),
    "cost": st.integers(1, 200),
    "priority": st.integers(0, 63),
    "mcast_router": st.integers(0, 2),
}  # fmt: skip
_TAP: dict[str, st.SearchStrategy[Any]] = {
    "mac": st.sampled_from(["02:00:00:00:00:71", "02:00:00:00:00:72", "02:00:00:00:00:73"]),
    # a bridge that nobody gave one has the least of its ports
    "mtu": st.sampled_from([1300, 1400, 1500]),
    "alias": st.sampled_from(["of the first", "der zweiten"]),
    "up": st.booleans(),
    **dict.fromkeys(("multi_queue", "vnet_hdr", "pi"), st.booleans()),
    "owner": st.sampled_from(["0", "65534", "daemon"]),
    "group": st.sampled_from(["0", "daemon"]),
    "txqueuelen": st.integers(1, 2000),
}


@st.composite
def _guest(draw: st.DrawFn, taps: list[str]) -> dict[str, Any]:
    """A guest that boots from nothing and idles, on one of these taps where there is one; or one that shall go."""
    if not draw(st.integers(0, 2)):
        return {"name": "vm1", "state": "absent", "shutdown_timeout": 0}
    nics = [{"tap": draw(st.sampled_from(taps)), "mac": "52:00:00:00:00:01"}] if taps else []
    return {
        "name": "vm1", "emulator": "qemu-system-i386", "accel": "tcg", "memory": draw(st.sampled_from([64, 80])), "boot": "n",
        "nics": nics, "shutdown_timeout": 0,
        "state": draw(st.sampled_from(["running", "running", "stopped"])), "on_change": draw(st.sampled_from(["keep", "restart"])),
    }  # fmt: skip


def _some(options: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.lists(st.sampled_from(sorted(options)), unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({key: options[key] for key in chosen})
    )


def shown(foreseen: dict[str, Any], done: list[dict[str, Any]]) -> str:
    """What was printed, and what was done, for who reads why the two differ."""
    return "\n".join(["foreseen:", *foreseen["lines"], "done:", *map(str, done)])


def held(modules: Modules, examples: int, vlans: bool = False) -> dict[str, int]:
    """Hold the plans of so many random variables against what the steps then do, change for change; tells how many were carried out and how many refused."""
    tried = {"carried out": 0, "refused": 0}

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])  # fmt: skip
    @given(jobs(vlans))
    def check(job: dict[str, Any]) -> None:
        foreseen = look(modules, job)
        if foreseen["failed"]:
            tried["refused"] += 1
            assert "\n" not in foreseen["msg"]
            return
        tried["carried out"] += 1
        done = carry_out(modules, foreseen["plan"], job["bridge_host_persist"])
        assert disagreements(foreseen["changes"], done) == [], shown(foreseen, done)
        again = look(modules, job)
        assert again["changes"] == [], shown(again, done)

    try:
        check()
    finally:
        modules.run("qemu_guest", name="vm1", state="absent", shutdown_timeout=0)
    return tried
