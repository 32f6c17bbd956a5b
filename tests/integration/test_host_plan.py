# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""host_plan against the modules that carry a plan out: what it foresees is what they do, change for change."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.tests.harness.host import role_host
from ansible_collections.hypervisor.network.tests.harness.host.role_host import GONE, JOB, Host
from ansible_collections.hypervisor.network.tests.harness.host.steps import (
    carry_out,
    disagreements,
    look,
)
from ansible_collections.hypervisor.network.tests.harness.model.role_wishes import held
from ansible_collections.hypervisor.network.tests.harness.net.dump import dump, settled
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, ip_json, run
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG
from ansible_collections.hypervisor.network.tests.harness.process.modules import Modules


def test_the_whole_job_and_back_is_foreseen_change_for_change(host: Host, modules: Modules) -> None:
    before, disk = settled(host.netns), host.disk()
    for job in (JOB, GONE):
        foreseen = look(modules, job)
        assert foreseen["whole"] and foreseen["changes"], foreseen
        if job is JOB:
            assert dump(host.netns) == before and host.disk() == disk
        done = carry_out(modules, foreseen["plan"])
        assert disagreements(foreseen["changes"], done) == [], "\n".join(foreseen["lines"])
        again = look(modules, job)
        assert again["changes"] == [] and again["steps"] == []
        assert again["lines"] == ["Nothing is to do: the host is as the variables say."]


@pytest.fixture
def networkd_257(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's networkd is the first that is taken, whichever this machine has; older ones are refused (tests/unit/_networkd)."""
    program = host.folder / "bin" / "networkctl"
    program.write_text("#!/bin/sh\necho 'systemd 257 (257.7-1)'\n", encoding="ascii")
    program.chmod(0o755)
    bind = f"[ ! -e /usr/bin/networkctl ] || mount --bind {program} /usr/bin/networkctl || exit 9"
    monkeypatch.setattr(role_host, "ENTER", f"{bind}; {role_host.ENTER}")


def test_nics_of_two_managers_are_told_to_whom_they_belong(
    host: Host, networkd_257: None, modules: Modules
) -> None:
    """eth0 is ifupdown's, and eth1 networkd's, whose hands are off in a namespace: so it is passed over by name."""
    batch(host.netns, "link add eth1 type veth peer name far1\nlink set eth1 up\n")
    (nic,) = ip_json(host.netns, "link", "show", "eth1")
    wired = "/run/systemd/network/20-wired.network"
    for path, said in (
        (wired, "[Match]\nName=eth1\n[Network]\nDHCP=no\n"),
        (f"/run/systemd/netif/links/{nic['ifindex']}", f"ADMIN_STATE=configured\nNETWORK_FILE={wired}\n"),
    ):  # fmt: skip
        place = host.folder / path[1:]
        place.parent.mkdir(parents=True)
        place.write_text(said, encoding="ascii")
    bridges = [*JOB["bridge_host_bridges"], {"name": "br1", "uplink": "eth1", "override": ["networkd"]}]  # fmt: skip
    taps = [*JOB["bridge_host_taps"], {"name": "tap3", "bridge": "br1"}]
    job = {"bridge_host_bridges": bridges, "bridge_host_taps": taps}
    found = look(modules, job)
    assert found["managers"]["present"] == [
        {"manager": "networkd", "scope": "all", "bridges": ["br1"], "uplinks": ["eth1"], "ports": [], "taps": ["tap3"]}
    ]  # fmt: skip
    stanzas = {one["name"] for one in found["plan"]["present"]["stanzas"]}
    assert stanzas == {"br0", "tap1", "tap2"}
    assert not look(modules, {"bridge_host_bridges": bridges[:1], "bridge_host_taps": taps[:2]})["managers"]["present"]  # fmt: skip


def test_a_nic_that_is_not_there_is_told_where_no_ifupdown_is(host: Host, modules: Modules) -> None:
    (host.folder / "bin/dpkg-query").write_text(
        '#!/bin/sh\nfor word; do case $word in ifupdown*) ;; *) echo "$word installed";; esac; done\n',
        encoding="ascii",
    )
    lost = {"bridge_host_bridges": [{"name": "br0", "uplink": "eth7"}]}
    assert look(modules, lost)["msg"].startswith("There is no NIC eth7 on this host")
    there = {"bridge_host_bridges": [{"name": "br0", "uplink": "eth0"}]}
    assert look(modules, there)["msg"].startswith("No ifupdown is installed")


def test_what_runs_is_what_ifupdown_boots_by_the_same_call_as_with_others(
    host: Host, modules: Modules
) -> None:
    """bridge_persist writes what the role's stanzas would say, ifquery reads it, and absent gives the file back byte for byte."""
    before = host.interfaces.read_text("ascii")
    plan = look(modules, {**JOB, "bridge_host_guests": []})["plan"]
    carry_out(modules, plan, persist=False)
    wish = {"bridges": ["br0"], "uplinks": ["eth0"], "taps": ["tap1", "tap2"]}
    done = modules.done("bridge_persist", **wish)
    assert done["changed"] and done["manager"] == "ifupdown"
    assert not modules.run("bridge_persist", **wish)["changed"]
    asked = run("ip", "netns", "exec", host.netns, "ifquery", "-i", str(host.interfaces), "br0")
    assert "address: 10.77.0.10" in asked and "bridge_ports: eth0" in asked
    again = look(modules, {**JOB, "bridge_host_guests": []})
    assert [one["list"] for one in again["steps"]] in ([], ["stanzas"]), again["lines"]
    gone = look(modules, {**GONE, "bridge_host_guests": []})["plan"]
    carry_out(modules, {**gone, "absent": {**gone["absent"], "stanzas": [], "bridges": []}}, persist=False)  # fmt: skip
    assert modules.done("bridge_persist", **wish, state="absent")["changed"]
    assert host.interfaces.read_text("ascii") == before


def test_random_wishes_are_foreseen_change_for_change(host: Host, modules: Modules) -> None:
    """Those with VLANs, which this machine's kernel may not have, are in tests/faults/lab/test_v_plan.py."""
    tried = held(modules, 200 if LONG else 30)
    assert tried["carried out"] > tried["refused"], tried
