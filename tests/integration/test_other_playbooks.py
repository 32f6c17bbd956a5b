# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role in playbooks of other people: how they include it, order hosts, connect and become root, with the oldest and the newest ansible-core."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hypervisor.network.tests.conftest import ROOT, needs_root
from ansible_collections.hypervisor.network.tests.harness.host import role_host
from ansible_collections.hypervisor.network.tests.harness.host.managed import (
    ROLE,
    USER,
    Managed,
    failures,
    managed,
)
from ansible_collections.hypervisor.network.tests.harness.host.role_host import (
    GONE,
    INTERFACES,
    JOB,
    Host,
)
from ansible_collections.hypervisor.network.tests.harness.net.dump import dump
from ansible_collections.hypervisor.network.tests.harness.net.netns import ip_json
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG
from ansible_collections.hypervisor.network.tests.integration.conftest import NEWEST

UPLINK = {
    "bridge_host_bridges": [{"name": "br0", "uplink": "eth0"}],
    "bridge_host_taps": [{"name": "tap1", "bridge": "br0"}],
}
DEBIAN = (str(ROOT / "tools" / "debian"), "13")
INNER = {"bridge_host_bridges": [{"name": "br1"}]}


@pytest.fixture(scope="module", params=["oldest", "newest"])
def core(request: pytest.FixtureRequest) -> Sequence[str]:
    """The words that run an ansible-playbook; what is in between runs all other tests."""
    needs_root()
    oldest = os.environ.get("HYPERVISOR_NETWORK_OLDEST_CORE")
    if oldest is None:
        pytest.skip("there is no other ansible-core here: run it through make")
    if request.param == "newest" and not LONG:
        pytest.skip("the oldest is here, and what is in between elsewhere: make integration has it")
    if request.param == "oldest":
        return (str(Path(oldest).with_name("ansible-playbook")),)
    return (*DEBIAN, "ansible-playbook")


@pytest.fixture(scope="module")
def own_core(core: Sequence[str]) -> Sequence[str]:
    """The same where it runs on the hypervisor itself, and so has to see that one's files."""
    if core[: len(DEBIAN)] != DEBIAN:
        return core
    words = [*DEBIAN, "--interpreter"]
    told = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    return (told.strip(), "-m", "ansible", "playbook")


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Managed]:
    needs_root()
    with managed(2, tmp_path, NEWEST) as made:
        yield made


def play(*tasks: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [{"hosts": "hypervisors", "gather_facts": False, "tasks": list(tasks), **more}]


def include(step: str | None = None, variables: Any = None, **more: Any) -> dict[str, Any]:
    own = {"name": ROLE, **({"tasks_from": step} if step else {}), **more.pop("role", {})}
    return {"name": "Include it", "ansible.builtin.include_role": own, "vars": variables or UPLINK, **more}  # fmt: skip


def for_anybody(hosts: Managed) -> str:
    """The path of an interpreter with its libraries on each host: the tests' own is below a folder of root's, and Debian's has none."""
    libraries = next(Path(NEWEST).parents[1].glob("lib/python3.*/site-packages"))
    for role in hosts.hosts:
        folder = hosts.folder / role / "run" / "python"
        for library in ("pyroute2", "netaddr"):
            shutil.copytree(libraries / library, folder / library)
        program = folder / "python3"
        program.write_text(
            '#!/bin/sh\nPYTHONPATH=/run/python exec /usr/bin/python3 "$@"\n', encoding="ascii"
        )
        program.chmod(0o755)
    return "/run/python/python3"


def test_an_ordinary_user_who_becomes_root_by_sudo_one_host_after_the_other(
    core: Sequence[str], tmp_path: Path
) -> None:
    """Modules go to the interpreter by its standard input."""
    more = {"core": core, "environment": {"ANSIBLE_PIPELINING": "true"}}
    with managed(2, tmp_path, NEWEST, USER) as hosts:
        job = play(roles=[{"role": ROLE, "vars": UPLINK}], serial=1)
        alone = {"ansible_become": False, "ansible_python_interpreter": for_anybody(hosts)}
        forgotten = failures(hosts.play(job, "-e", json.dumps(alone), **more))
        assert list(forgotten) == ["h01"] and "with become: true" in forgotten["h01"], forgotten
        first = hosts.play(job, **more)
        assert first.status == 0 and all(map(hosts.converted, hosts.hosts)), first.output[-4000:]
        again = hosts.play(job, **more)
        assert again.status == 0 and again.changed == [], again.output[-4000:]


def test_each_host_at_its_own_pace_with_modules_that_are_copied(
    core: Sequence[str], tmp_path: Path
) -> None:
    # the tests' SSH server knows no file transfer, and drops a connection now and then, as networks do
    own = {
        "ANSIBLE_PIPELINING": "false",
        "ANSIBLE_SSH_TRANSFER_METHOD": "piped",
        "ANSIBLE_SSH_RETRIES": "3",
    }
    with managed(2, tmp_path, NEWEST, USER) as hosts:
        done = hosts.play(play(include(), strategy="free"), core=core, environment=own)
        assert done.status == 0 and all(map(hosts.converted, hosts.hosts)), done.output[-4000:]


def test_a_connection_plugin_of_somebody_else(core: Sequence[str], hosts: Managed) -> None:
    """What is changed under a guard is confirmed over it, since it is another way than the controller's own."""
    done = hosts.play(play(include()), core=core, connection="enter")
    assert done.status == 0 and all(map(hosts.converted, hosts.hosts)), done.output[-4000:]
    assert {role: hosts.states(role) for role in hosts.hosts} == {
        "h01": ["confirmed"],
        "h02": ["confirmed"],
    }


def test_the_controller_itself_with_defaults_for_the_group_of_modules(
    core: Sequence[str], hosts: Managed
) -> None:
    """The defaults of the group name the namespace for each module, and so nothing here is the controller's. The role would ask for its packages."""
    group = {"group/hypervisor.network.all": {"netns": "{{ place }}"}}
    tasks = [
        {"hypervisor.network.linux_bridge": {"name": "br1", "up": True}},
        {"hypervisor.network.tap_device": {"name": "tap1", "up": True}},
        {"hypervisor.network.bridge_port": {"name": "tap1", "bridge": "br1"}},
        {"hypervisor.network.bridge_info": {}},
    ]
    for changed in (True, False):
        done = hosts.play(play(*tasks, module_defaults=group), core=core, connection="local")
        assert done.status == 0 and bool(done.changed) is changed, done.output[-4000:]
    assert all(hosts.links(role)["tap1"]["master"] == "br1" for role in hosts.hosts)


def test_delegated_run_once_and_a_step_by_itself(core: Sequence[str], hosts: Managed) -> None:
    module = {"hypervisor.network.linux_bridge": {"name": "br7"}, "run_once": True}
    other = {**module, "hypervisor.network.linux_bridge": {"name": "br8"}, "delegate_to": "h02"}
    away = {"delegate_to": "h02"}
    step = include("bridges", INNER, role={"apply": away}, when="inventory_hostname == 'h01'")
    once = include(variables={"bridge_host_bridges": [{"name": "br9"}]}, run_once=True)
    done = hosts.play(play(module, other, step, once), core=core)
    assert done.status == 0, done.output[-4000:]
    seen = {role: {name for name in hosts.links(role) if name.startswith("br")} for role in hosts.hosts}  # fmt: skip
    assert seen == {"h01": {"br7", "br9"}, "h02": {"br8", "br1"}}


def test_what_is_omitted_in_an_item_is_left_out(core: Sequence[str], hosts: Managed) -> None:
    """Core leaves a text in its place before 2.19, which is neither a VLAN nor a name."""
    nothing = "{{ nothing | default(omit) }}"
    tap = {"name": "tap1", "bridge": "br1", "access_vlan": nothing, "isolated": nothing}
    bridge = {"name": "br1", "uplink": nothing, "vlan_filtering": nothing}
    job = {"bridge_host_bridges": [bridge], "bridge_host_taps": [{**tap, "vlans": nothing}]}
    for something in (True, False):
        done = hosts.play(play(roles=[ROLE], vars=job), core=core)
        assert done.status == 0 and bool(done.changed) is something, done.output[-4000:]
    assert all(hosts.links(role)["tap1"]["master"] == "br1" for role in hosts.hosts)
    # a host of which nothing is asked is not looked at, and its variables are
    idle = {"bridge_host_tenants": [{"name": "blue", "vlan": 7, "dhcp": nothing, "taps": nothing}]}
    assert hosts.play(play(roles=[ROLE], vars=idle), core=core).status == 0


def test_tags_with_and_without_apply(core: Sequence[str], hosts: Managed) -> None:
    tags = {"tags": ["network"]}
    refused = hosts.play(play(include(variables=INNER, **tags)), "--tags", "network", core=core)
    assert set(failures(refused)) == {"h01", "h02"}, refused.output[-4000:]
    assert all("chose the include of this role" in one for one in failures(refused).values())
    job = play(include(variables=INNER, role={"apply": tags}, **tags))
    done = hosts.play(job, "--tags", "network", core=core)
    assert done.status == 0 and all("br1" in hosts.links(role) for role in hosts.hosts), done.output[-4000:]  # fmt: skip
    left = play(roles=[{"role": ROLE, "vars": UPLINK, "tags": ["hypervisors"]}])
    done = hosts.play(left, "--tags", "network", core=core)
    assert done.status == 0 and not any(map(hosts.converted, hosts.hosts)), done.output[-4000:]


def test_the_controller_itself_is_the_hypervisor(own_core: Sequence[str], host: Host) -> None:
    """Its modules run by the Python that Ansible itself runs by, which is the newest or the oldest core's."""
    own = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    before = dump(host.netns)
    for wish, ports in ((JOB, {"eth0", "tap1", "tap2"}), (GONE, set())):
        for something in (True, False):
            done = host.role({**wish, **own}, core=own_core)
            assert done.status == 0 and bool(done.changed) is something, done.output[-4000:]
            seen = {one["ifname"] for one in ip_json(host.netns, "link", "show") if one.get("master") == "br0"}  # fmt: skip
            assert seen == ports and all(host.lan.all_reachable().values())
    assert sorted(dump(host.netns)["links"]) == sorted(before["links"])
    assert dump(host.netns)["addresses"]["eth0"] == before["addresses"]["eth0"]
    assert host.interfaces.read_text(encoding="ascii") == INTERFACES


def test_the_role_with_defaults_for_the_group_of_modules(
    own_core: Sequence[str], host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The role's every module takes what the group has: here the host's own network, by a name that it has there."""
    named = "mkdir -p /run/netns; : > /run/netns/own; mount --bind /proc/self/ns/net /run/netns/own || exit 9"
    monkeypatch.setattr(
        role_host, "ENTER", role_host.ENTER.replace('exec "$@"', f'{named}; exec "$@"')
    )
    group = {"group/hypervisor.network.all": {"netns": "own"}}
    job = [{"hosts": "localhost", "gather_facts": False, "module_defaults": group, "roles": [ROLE]}]
    (host.folder / "defaults.yml").write_text(json.dumps(job), encoding="ascii")
    for something in (True, False):
        done = host.role(UPLINK, core=own_core, playbook="defaults.yml")
        assert done.status == 0 and bool(done.changed) is something, done.output[-4000:]
