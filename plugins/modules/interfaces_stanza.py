#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: interfaces_stanza
short_description: Edit iface stanzas of interfaces(5)
version_added: 0.1.0
description:
  - Makes, changes and removes C(iface) stanzas of C(/etc/network/interfaces), in whichever file they stand that C(source) and
    C(source-directory) lead to. Every byte outside of the edited lines stays, comments too.
  - A file is replaced whole or not at all, with its mode, owner, ACL and label, and is on the disk when the module returns.
    A file that somebody else changed meanwhile is not written. Any failure undoes what the run did.
  - It only edits files. No interface is brought up or down.
  - Where ifupdown2 is installed, a stanza with C(bridge_ports) gets C(bridge_ports_condone_regex .*) too, unless it says that itself, so that
    C(ifreload -a) leaves other ports, such as the taps of guests, in the bridge.
  - Refused are a stanza that two files define, a file reached by a symbolic link that leads out of the directory of O(path), a file with
    several hard links, one that is not root's, and a file that cloud-init writes while its network part is not disabled, see O(cloud_init_network).
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes
  - hypervisor.network._stanza
options:
  path:
    description:
      - The file that ifupdown begins with.
    type: path
    default: /etc/network/interfaces
  cloud_init_network:
    description:
      - "Whether cloud-init may write the files of the network at boot. V(false) switches that part of it off, by a file for each bridge among the stanzas in
        C(/etc/cloud/cloud.cfg.d) that says C(network: {config: disabled}); what cloud-init does beside stays as it is. A host without cloud-init has
        nothing to be switched off."
      - Network settings that the cloud changes later do not reach a host where it is switched off.
      - V(true) removes that file again, and so does O(state=absent). By default it is left alone.
    type: bool
    version_added: 0.1.0
  backup:
    description:
      - Whether to keep a copy of each file before it is replaced. The copy is named after the file and its content.
    type: bool
    default: true
  backup_dir:
    description:
      - Directory for the copies, made with mode 0700. It must not be below the directory of O(path), since ifupdown could read them there.
    type: path
    default: /var/backups/hypervisor-network
  validate:
    description:
      - Whether to check options and values (misspelled options, addresses, ranges), and to have C(ifquery), where it is installed,
        read a copy of the result before anything is written. ifupdown itself overlooks most mistakes until boot.
      - Hooks that set options of a bridge or a port are read by the host's own C(ip) and C(bridge) too, without effect. What they don't know would take the
        whole line with it at boot. It becomes a line of its own that writes it below C(/sys/class/net), where the kernel has it as a file, and is refused
        where it has not.
      - Options that only ifupdown2 reads are taken, and told as a warning where it is not installed.
      - Line ends and the like are refused in any case.
    type: bool
    default: true
  netns:
    description:
      - Files are in no network namespace, so this has no effect. It is taken so that C(module_defaults) of the group can name one.
    type: str
seealso:
  - module: hypervisor.network.bridge_uplink
  - module: hypervisor.network.linux_bridge
"""

EXAMPLES = r"""
- name: Make br0 the successor of eth0 on disk, with whatever eth0 has
  hypervisor.network.interfaces_stanza:
    name: br0
    take_over: eth0
    options:
      bridge_stp: "off"
      bridge_fd: 0
      bridge_maxwait: 0

- name: Give it all back
  hypervisor.network.interfaces_stanza:
    name: br0
    state: absent
    hand_back: eth0

- name: A bridge with two addresses and a route
  hypervisor.network.interfaces_stanza:
    name: br0
    method: static
    auto: true
    options:
      - [address, 192.0.2.10/24]
      - [address, 198.51.100.10/24]
      - [gateway, 192.0.2.1]
      - [bridge_ports, eth0]
      - [up, ip route add 203.0.113.0/24 via 192.0.2.254]

- name: Two stanzas in one run, and the MTU back to its default
  hypervisor.network.interfaces_stanza:
    stanzas:
      - {name: eth0, options: {mtu: ""}}
      - {name: eth0, family: inet6, method: auto}
"""

RETURN = r"""
stanza:
  description:
    - The stanza as it is now, or in check mode as it would be. C(options) are all its C([key, value]) lines in their order, C(file) is where it stands.
  returned: when O(name) was given
  type: dict
  sample:
    name: br0
    family: inet
    state: present
    method: dhcp
    auto: true
    allow_hotplug: false
    file: /etc/network/interfaces
    options: [[bridge_ports, eth0], [bridge_stp, "off"]]
stanzas:
  description: The stanzas in the order of O(stanzas), each as RV(stanza).
  returned: when O(stanzas) was given
  type: list
  elements: dict
changes:
  description: What was done, or in check mode would be done, first by stanza, then by file.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: update, kind: stanza, name: eth0 inet, before: {method: dhcp}, after: {method: manual}, risk: safe}
    - action: update
      kind: file
      name: /etc/network/interfaces
      before: {sha256: 8b1a9953c4611296a827abf8c47804d7e6c49c6b97e7d5a9c8e9f7c5d3b1a001}
      after: {sha256: 1f3d2c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f002}
      risk: safe
backups:
  description: Paths of the copies that were kept, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [/var/backups/hypervisor-network/etc-network-interfaces.8b1a9953c4611296]
"""

from ansible.module_utils.common.warnings import warn

from ansible_collections.hypervisor.network.plugins.module_utils._core.module import run
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import apply as ifupdown
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import (
    files as stanza_files,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import (
    plan as stanza_plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import validate

_COMMON = {
    "path": {"type": "path", "default": ifupdown.DEFAULT},
    "cloud_init_network": {"type": "bool"},
    "backup": {"type": "bool", "default": True},
    "backup_dir": {"type": "path", "default": ifupdown.BACKUPS},
    "validate": {"type": "bool", "default": True},
    "netns": {"type": "str"},
}


def work(params, items):
    wishes = [validate.checked(item, params["validate"]) for item in items]
    noun = ifupdown.Interfaces(
        params["path"],
        params["backup_dir"] if params["backup"] else None,
        params["validate"],
        cloud_init_network=params["cloud_init_network"],
    )

    def describe(outcome):
        for sentence in stanza_plan.notes(outcome.before, wishes):
            warn(sentence)
        docs = stanza_files.docs_after(outcome.before, outcome.changes)
        return [stanza_files.described(docs, wish.name, wish.family) for wish in wishes]

    return noun, wishes, describe


def more(outcome, noun):
    return {"diff": stanza_files.diff(outcome.changes), "backups": noun.backups_of(outcome.changes)}


def main():
    run(
        {**validate.SPEC, **_COMMON},
        plural="stanzas",
        singular="stanza",
        work=work,
        common=tuple(_COMMON),
        identity=("name", "family"),
        more=more,
    )


if __name__ == "__main__":
    main()
