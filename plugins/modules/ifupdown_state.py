#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ifupdown_state
short_description: Tell ifupdown which interfaces are up already
version_added: 0.1.0
description:
  - ifupdown keeps a list of the interfaces that it has brought up. What was brought up without it, such as a bridge by
    M(hypervisor.network.bridge_uplink), is not on it, so that C(ifdown) would refuse it and C(ifup) would bring it up a second time.
  - This module puts interfaces on that list, or takes them off. It brings nothing up or down.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes
options:
  interfaces:
    description:
      - Names of the interfaces.
    type: list
    elements: str
    required: true
  state:
    description:
      - V(up) puts them on the list, V(down) takes them off.
    type: str
    choices: [up, down]
    default: up
  directory:
    description:
      - The directory of ifupdown's state.
    type: path
    default: /run/network
  netns:
    description:
      - Files are in no network namespace, so this has no effect. It is taken so that C(module_defaults) of the group can name one.
    type: str
seealso:
  - module: hypervisor.network.interfaces_stanza
"""

EXAMPLES = r"""
- name: Let ifdown and ifup know about the new bridge
  hypervisor.network.ifupdown_state:
    interfaces: [br0]
"""

RETURN = r"""
up:
  description: The interfaces that are on the list now, or in check mode were.
  returned: success
  type: list
  elements: str
  sample: [lo, eth0, br0]
changes:
  description: What was done, or in check mode would be done, in its order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: update, kind: ifstate, name: br0, before: {up: false}, after: {up: true}, risk: safe}
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core import units
from ansible_collections.hypervisor.network.plugins.module_utils._core.module import run
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.ifstate import (
    DIRECTORY,
    IfState,
)

SPEC = {
    "interfaces": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["up", "down"], "default": "up"},
    "directory": {"type": "path", "default": DIRECTORY},
    "netns": {"type": "str"},
}


def work(params, items):
    wish = {
        units.interface_name(name, "interfaces"): params["state"] == "up"
        for name in params["interfaces"]
    }
    return IfState(params["directory"]), wish, lambda outcome: [sorted(outcome.after)]


def main():
    run(SPEC, plural=None, singular="up", work=work)


if __name__ == "__main__":
    main()
