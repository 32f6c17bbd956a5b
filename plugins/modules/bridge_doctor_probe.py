#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bridge_doctor_probe
short_description: Internal, the doctor that listens and sends frames too
version_added: 0.1.0
description:
  - Internal to this collection, and not meant for playbooks. It may change or go in any release.
  - What listens and what sends frames is large, and rarely asked for. So M(hypervisor.network.bridge_doctor) ships without it, and its task's action runs
    this module in its place where O(hypervisor.network.bridge_doctor#module:probe) or O(hypervisor.network.bridge_doctor#module:listen) is set.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.info
  - hypervisor.network._deps
  - hypervisor.network._device
attributes:
  action_group:
    support: none
    membership: []
    details:
      - It is no module for playbooks; what the group sets has reached the module in whose place this one runs.
options:
  guest:
    description:
      - As of M(hypervisor.network.bridge_doctor), like all others.
    type: str
  mac:
    description:
      - See O(guest).
    type: str
  address:
    description:
      - See O(guest).
    type: str
  bridge:
    description:
      - See O(guest).
    type: str
  probe:
    description:
      - See O(guest).
    type: bool
    default: false
  listen:
    description:
      - See O(guest).
    type: float
    default: 0
seealso:
  - module: hypervisor.network.bridge_doctor
"""

EXAMPLES = r"""
- name: What the action of bridge_doctor runs
  hypervisor.network.bridge_doctor_probe:
    guest: vm1
    probe: true
"""

RETURN = r"""
findings:
  description: What M(hypervisor.network.bridge_doctor) finds by looking, and by frames. Its C(ways), C(heard) and C(probes) are returned as there, too.
  returned: success
  type: list
  elements: dict
  sample: []
"""

import os

from ansible_collections.hypervisor.network.plugins.module_utils._core.edge import Module, failures
from ansible_collections.hypervisor.network.plugins.module_utils._doctor import (
    ask,
    dhcp_rules,
    listen,
    probe_rules,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host.locks import alone
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import (
    probe as isolation_probe,
)
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.snapshot import Netlink


def main():
    module = Module(
        argument_spec={**ask.SPEC, **ask.ON_THE_WIRE},
        mutually_exclusive=[ask.WHOSE],
        supports_check_mode=True,
    )
    with failures(module, "looking at the host"):
        seconds = ask.seconds(module.params["listen"])
        heard = []
        host, ways, result = ask.asked(
            module.params,
            before=(lambda ways: heard.append(listen.listen(seconds, ways))) if seconds else None,
        )
        if seconds:
            result = dhcp_rules.with_heard(host, ways, heard[0], seconds, result)
        wish = probe_rules.wish(host, ways) if module.params["probe"] else None
        if wish is not None:
            with alone():
                run = isolation_probe.prove(Netlink(), wish, os.urandom(8))
            result = probe_rules.with_probes(host, run, result)
        module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
