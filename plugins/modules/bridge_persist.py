#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bridge_persist
short_description: Have the manager of the network boot what is running
version_added: 0.1.0
description:
  - Bridges, their uplinks, ports and TAPs become what the host's manager of networks reads at boot, in its own words. All of it is read from the kernel, so
    what boots is what was seen to work.
  - The manager is the one that owns the uplink. What the administrator wrote for the NIC stays as it is, byte for byte. Files of this module come before
    it, and give the bridge what the NIC had, with the NIC's MAC and its identity for DHCP, so that the server gives the same address.
  - A bridge that the administrator described already, in files of networkd, YAML of netplan or profiles of NetworkManager, needs no files where these say
    what runs. What they do not say goes beside them, into drop-ins or a dispatcher script of NetworkManager. What can't be said there is refused, with the
    file or the command that would say it.
  - Where systemd-networkd or NetworkManager runs beside that manager, or would at the next boot, a file for each device keeps it off. A broad C([Match]) of
    networkd's, such as C(Type=ether), would have every port taken out of its bridge. networkd reads that at once, NetworkManager at its next start.
  - The manager reads its files in the same task. Where that takes a port or an address away, all is undone. Where it believes something else of a bridge or
    a port after that than what the kernel has, that is a warning, see RV(disagreements).
  - For ifupdown and ifupdown2 they are stanzas in the files that have the NIC's, whose lines go to the bridge's and come back, as with
    M(hypervisor.network.interfaces_stanza), which has words for everything else in such files. The role C(hypervisor.network.bridge_host) uses that one, since
    its variables say things that no kernel knows, such as C(method) and C(maxwait).
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes
  - hypervisor.network._deps
options:
  manager:
    description:
      - Whose files are written. V(auto) is the manager that owns the uplinks, or without uplinks the bridges, as it tells itself; of a NIC that nobody says
        is theirs, ifupdown where a stanza describes it.
      - Devices of two managers want a task for each of them.
    type: str
    choices: [auto, ifupdown, ifupdown2, networkd, netplan, networkmanager]
    default: auto
  bridges:
    description:
      - Names of bridges. One without an uplink keeps the addresses that it has.
    type: list
    elements: str
    default: []
  uplinks:
    description:
      - Names of NICs that are the uplinks of O(bridges).
    type: list
    elements: str
    default: []
  scope:
    description:
      - Which files are written. V(all) are those of O(manager), and those that keep others off.
      - V(hands_off) are the latter alone, where somebody else writes those of O(manager), as the role C(hypervisor.network.bridge_host) does with stanzas;
        and where nobody is to boot the devices. O(manager=auto) is nobody then where none owns them. The devices may be still to come, so that nobody
        takes them while they are made.
    type: str
    choices: [all, hands_off]
    default: all
  ports:
    description:
      - Names of other ports. Not with ifupdown, where they are words of the bridge's C(bridge_ports).
    type: list
    elements: str
    default: []
  taps:
    description:
      - Names of TAPs, which a boot makes again.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(absent) removes the files of this module, so that what the administrator wrote counts again. Give the NIC back with
        M(hypervisor.network.bridge_uplink) before.
    type: str
    choices: [present, absent]
    default: present
  match:
    description:
      - By what the next boot finds O(uplinks), whatever they are called then. V(name) is the name, V(mac) the MAC that the NIC was made with, which no
        virtual NIC has, and of ifupdown no NIC.
      - V(auto) is the MAC where the administrator's own file goes by it, and where the name may be another tomorrow, since it is the kernel's own and
        there are several NICs, or since udev would give another. Else it is the name, by which the host boots too where a NIC was exchanged.
    type: str
    choices: [auto, name, mac]
    default: auto
  cloud_init_network:
    description:
      - "Whether cloud-init may write the files of the network at boot. V(false) switches that part of it off, by a file of this module in
        C(/etc/cloud/cloud.cfg.d) that says C(network: {config: disabled}); what cloud-init does beside stays as it is. A host without
        cloud-init has nothing to be switched off."
      - Network settings that the cloud changes later do not reach a host where it is switched off.
      - V(true) removes that file again, and so does O(state=absent). By default it is left alone.
      - It need not be switched off where files of this module come before those of cloud-init, as with netplan, networkd and NetworkManager. A bridge
        that cloud-init itself tells of, and stanzas in a file of its own, are refused without it, since the next boot could write them anew.
    type: bool
  backup:
    description:
      - Whether to keep a copy of each file before it is replaced or removed.
    type: bool
    default: true
  backup_dir:
    description:
      - Directory for the copies, made with mode 0700.
    type: path
    default: /var/backups/hypervisor-network
  netns:
    description:
      - The managers of a host are in its own network namespace, so this has no effect. It is taken so that C(module_defaults) of the group can name one.
    type: str
seealso:
  - module: hypervisor.network.bridge_uplink
  - module: hypervisor.network.interfaces_stanza
"""

EXAMPLES = r"""
- name: Make enp1s0 the uplink of br0
  hypervisor.network.bridge_uplink:
    name: enp1s0
    bridge: br0

- name: Have the next boot make the same
  hypervisor.network.bridge_persist:
    bridges: [br0]
    uplinks: [enp1s0]

- name: The same on a host of a cloud, whose network cloud-init shall not write any more
  hypervisor.network.bridge_persist:
    bridges: [br0]
    uplinks: [enp1s0]
    cloud_init_network: false

- name: Keep networkd and NetworkManager off TAPs that a program of its own makes
  hypervisor.network.bridge_persist:
    taps: [tap1, tap2]
    scope: hands_off

- name: Give the NIC back
  hypervisor.network.bridge_uplink:
    name: enp1s0
    bridge: br0
    state: absent

- name: Have the next boot leave it there
  hypervisor.network.bridge_persist:
    bridges: [br0]
    uplinks: [enp1s0]
    state: absent
"""

RETURN = r"""
manager:
  description: The manager whose files they are.
  returned: success
  type: str
  sample: networkd
changes:
  description: What was done, or in check mode would be done, a file each.
  returned: success
  type: list
  elements: dict
  sample:
    - action: create
      kind: file
      name: /etc/systemd/network/05-hypervisor-network-br0.network
      before: null
      after: {sha256: 8b1a9953c4611296a827abf8c47804d7e6c49c6b97e7d5a9c8e9f7c5d3b1a001}
      risk: safe
disagreements:
  description: By device of this task, what its manager believes of it that is not so, as in M(hypervisor.network.bridge_info), or why it would take a port
    out of its bridge; a sentence without its end. Each is a warning too. What is up to ifupdown is among that.
  returned: success
  type: dict
  sample: {}
backups:
  description: Paths of the copies that were kept, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [/var/backups/hypervisor-network/etc-netplan-95-hypervisor-network.yaml.8b1a9953c4611296]
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core.module import run
from ansible_collections.hypervisor.network.plugins.module_utils._managers import bound
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import (
    ALL,
    NAMES,
    SCOPES,
    Wish,
)
from ansible_collections.hypervisor.network.plugins.module_utils._persist import (
    apply as persistence,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink

_NAMES = {"type": "list", "elements": "str", "default": []}
SPEC = {
    "manager": {
        "type": "str",
        "choices": [persistence.AUTO, *NAMES],
        "default": persistence.AUTO,
    },
    **{key: dict(_NAMES) for key in ("bridges", "uplinks", "ports", "taps")},
    "scope": {
        "type": "str",
        "choices": list(SCOPES),
        "default": ALL,
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "match": {"type": "str", "choices": list(bound.CHOICES), "default": bound.AUTO},
    "cloud_init_network": {"type": "bool"},
    "backup": {"type": "bool", "default": True},
    "backup_dir": {"type": "path", "default": persistence.BACKUPS},
    "netns": {"type": "str"},
}


def work(params, items):
    wish = Wish(
        params["bridges"],
        params["uplinks"],
        params["ports"],
        params["taps"],
        params["state"] == "present",
        params["cloud_init_network"],
        params["match"],
    )
    backups = params["backup_dir"] if params["backup"] else None
    noun = persistence.Persistence(
        Netlink(), wish, params["manager"], backups, scope=params["scope"]
    )
    return noun, wish, lambda _outcome: [noun.manager]


def more(outcome, noun):
    said = noun.disagreements(outcome)
    return {
        "diff": persistence.diff(outcome.changes),
        "backups": noun.backups_of(outcome.changes),
        "disagreements": said,
        "warnings": [f"{one}." for one in said.values()],
    }


def main():
    run(SPEC, plural=None, singular="manager", work=work, more=more)


if __name__ == "__main__":
    main()
