#!/usr/bin/python
# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: transaction
short_description: Confirm a guarded change, or have it rolled back
version_added: 0.1.0
description:
  - A guarded change of the network undoes itself unless somebody confirms it in time. M(hypervisor.network.bridge_uplink),
    M(hypervisor.network.linux_bridge) and M(hypervisor.network.bridge_port) do so by themselves, over a new connection. This module is for doing it by hand.
  - V(confirmed) first looks whether everything that was applied still stands, whether each gateway that answered before the change answers
    now, and whether the connection it came over did not come in by the old device.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes
  - hypervisor.network._deps
  - hypervisor.network._device
options:
  id:
    description:
      - The id that the guarded task returned.
    type: str
    required: true
  state:
    description:
      - V(confirmed) keeps the change. V(rolled_back) undoes it now, and waits until that is done.
    type: str
    choices: [confirmed, rolled_back]
    required: true
seealso:
  - module: hypervisor.network.bridge_uplink
"""

EXAMPLES = r"""
- name: Keep the change
  hypervisor.network.transaction:
    id: 0123456789abcdef0123456789abcdef
    state: confirmed

- name: Undo it without waiting for the deadline
  hypervisor.network.transaction:
    id: 0123456789abcdef0123456789abcdef
    state: rolled_back
"""

RETURN = r"""
transaction:
  description: The transaction as it is now, or in check mode as it was. C(why) and C(undone) tell about a rollback.
  returned: success
  type: dict
  sample: {id: 0123456789abcdef0123456789abcdef, state: confirmed, what: eth0 as uplink of br0, timeout: 60.0}
changes:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: confirm, kind: transaction, name: 0123456789abcdef0123456789abcdef, before: {state: applied}, after: {state: confirmed}, risk: safe}
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core.module import run
from ansible_collections.hypervisor.network.plugins.module_utils._guard.confirm import (
    TransactionNoun,
)
from ansible_collections.hypervisor.network.plugins.module_utils._guard.transaction import named
from ansible_collections.hypervisor.network.plugins.module_utils._host.netns import enter_netns
from ansible_collections.hypervisor.network.plugins.module_utils._link.device import NETNS

SPEC = {
    "id": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["confirmed", "rolled_back"], "required": True},
    **NETNS,
}


def work(params, items):
    transaction = named(params["id"])
    enter_netns(params["netns"])
    return (
        TransactionNoun(transaction, params["netns"]),
        params["state"].replace("_", "-"),
        lambda outcome: [outcome.after],
    )


def main():
    run(SPEC, plural=None, singular="transaction", work=work)


if __name__ == "__main__":
    main()
