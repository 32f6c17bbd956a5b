# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The YAML blocks of the guides as they are written, on the host of a LAN, one after the other where one stands on what another made."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
import yaml

from ansible_collections.hypervisor.network.tests.harness.host.role_host import Host, Play
from ansible_collections.hypervisor.network.tests.harness.model import examples
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG

# The number of a block is its place in its guide. Variables are the role's, in a play of their own; tasks are a play's; plays are run as they are
STORIES = {
    "a bridge by hand": ("coming_from-3", "coming_from-1", "which_manager-2"),
    "guests that are there": ("coming_from-2",),
    "a fleet": ("fleets-2", "fleets-1"),
    "a guest with a disk": (
        "guests-1",
        "guests-5",
        "no_network-1",
        "no_network-2",
        "snapshots-1",
        "snapshots-3",
        "snapshots-2",
        "snapshots-4",
    ),
    "a guest that finds its user in a seed": ("guests-3",),
    "a guest with a console": ("guests-4",),
    "libvirt's host": ("libvirt-1",),
    "many taps": ("performance-1",),
    "once more": ("rolled_back-1",),
    "guests that must not see each other": ("security-1", "security-2"),
    "DHCP or not": ("static_and_dhcp-1",),
    "no routers": ("static_and_dhcp-3",),
    "guests among themselves": ("static_and_dhcp-4",),
    "a network of the host's own": ("static_and_dhcp-5",),
    "a disk that is made": ("variables-3",),
}
PUBLISHED = "the first guide: tests/integration/test_as_published.py"
FILTERS = "VLAN filtering: tests/acceptance/test_tenants.py"
NOT_RUN = {
    "coming_from-4": "NetworkManager or networkd: tests/faults/lab/test_v_managers.py",
    "first_host-1": PUBLISHED,
    "first_host-2": PUBLISHED,
    "guests-2": "bounds that a systemd keeps: tests/faults/lab/test_h_units.py",
    "index-1": PUBLISHED,
    "guard-1": "VLAN filtering: tests/acceptance/test_vlans.py",
    "molecule-1": "Molecule: tests/molecule/test_stranger.py",
    "static_and_dhcp-2": "a host with these addresses: tests/integration/test_role_addresses.py",
    "tenants-1": FILTERS,
    "tenants-2": FILTERS,
    "tenants-3": FILTERS,
    "variables-1": FILTERS,
    "variables-2": FILTERS,
    "variables-4": FILTERS,
    "watching-1": "an alert of Prometheus: tests/integration/test_metrics.py",
    "which_manager-1": "a manager of networks: tests/faults/test_g_hands_off.py",
}

# What a host has that says no more than the block about the rest
BESIDE = {
    "bridge_host_bridges": [{"name": "br0", "uplink": "eth0"}],
    "bridge_host_taps": [{"name": f"tap{number}", "bridge": "br0"} for number in (1, 2, 3)],
}
# The host's own directories that blocks speak of, in the place of this machine's
WITHIN = 'for dir in srv var/log; do mount --bind "$0/$dir" "/$dir" || exit 9; done; exec "$@"'
NAME = "hv1.example.com"
BLOCKS = {
    f"{path.stem}-{number}": block
    for path in (
        *sorted((examples.ROOT / examples.GUIDES).glob("*.rst")),
        examples.ROOT / "docs/site/index.rst",
    )
    for number, block in enumerate(
        examples.guide_blocks(str(path.relative_to(examples.ROOT))), start=1
    )
}


@pytest.fixture
def furnished(host: Host) -> Host:
    """The host, with what the guides' disks lie on and a second NIC."""
    for folder in ("srv/guests", "srv/images", "srv/backups", "var/log/guests"):
        (host.folder / folder).mkdir(parents=True)
    for image in ("guests/web.qcow2", "images/debian-13-generic-amd64.qcow2"):
        path = str(host.folder / "srv" / image)
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "16M"], check=True)
    subprocess.run(["chown", "-R", "hypervisor-guest:", str(host.folder / "srv")], check=True)
    subprocess.run(["chown", "hypervisor-guest:", str(host.folder / "var/log/guests")], check=True)
    batch(host.netns, "link add eth1 type veth peer name wire1\n")
    return host


def run(host: Host, block: str) -> Play:
    """Run a block as what it is."""
    content = yaml.safe_load(block)
    if isinstance(content, dict):
        # who says which bridges there are says whether there are taps
        beside = {} if "bridge_host_bridges" in content else BESIDE
        plays = [_play(roles=["hypervisor.network.bridge_host"], vars={**beside, **content})]
    elif "hosts" in content[0]:
        plays = content
    else:
        plays = [_play(tasks=content)]
    (host.folder / "block.yml").write_text(json.dumps(plays), encoding="utf-8")
    local = {"ansible_connection": "local", "ansible_python_interpreter": host.python}
    inventory = {"hypervisors": {"hosts": {NAME: local}}}
    (host.folder / "hosts.yml").write_text(json.dumps(inventory), encoding="utf-8")
    words = ("ansible-playbook", "-i", str(host.folder / "hosts.yml"))
    return host.runs("sh", "-c", WITHIN, str(host.folder), *words, str(host.folder / "block.yml"))


def _play(**rest: Any) -> dict[str, Any]:
    return {"hosts": "hypervisors", "gather_facts": False, **rest}


def test_each_block_is_run_or_says_where_its_like_is() -> None:
    told = [one for story in STORIES.values() for one in story]
    assert sorted((*told, *NOT_RUN)) == sorted(BLOCKS)
    for reason in NOT_RUN.values():
        assert (examples.ROOT / reason.rpartition(": ")[2]).exists(), reason


@pytest.mark.skipif(
    not LONG, reason="its hosts take the role for minutes: make integration has them"
)
@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_the_blocks_of_a_guide_do_what_they_say(furnished: Host, story: tuple[str, ...]) -> None:
    for one in story:
        play = run(furnished, BLOCKS[one])
        assert play.status == 0, (one, play.output[-4000:])
        if isinstance(yaml.safe_load(BLOCKS[one]), dict):
            again = run(furnished, BLOCKS[one])
            assert (again.status, again.changed) == (0, []), (one, again.output[-4000:])
