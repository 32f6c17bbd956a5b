# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verdict
short_description: Internal, fail where the findings of the role bridge_host say that something is wrong
version_added: 0.1.0
description:
  - Internal to this collection, and not meant for playbooks. It may change or go in any release.
  - Does what M(ansible.builtin.assert) would, but has its findings worked out once, and not for its condition and each of its messages.
  - Runs on the controller only, by the action of this name.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.controller
  - hypervisor.network._attributes.info
options:
  findings:
    description:
      - What P(hypervisor.network.bridge_host_findings#filter) gave.
    type: dict
    required: true
    suboptions:
      proven:
        description:
          - What is as it should be, a sentence each. It is the message where nothing is wrong.
        type: list
        elements: str
        required: true
      wrong:
        description:
          - What is not. It is the message of the failure.
        type: list
        elements: str
        required: true
      risky:
        description:
          - What is left to be decided, and returned as it is.
        type: list
        elements: str
        required: true
"""

EXAMPLES = r"""
- name: What the role bridge_host ends its step verify with
  hypervisor.network.verdict:
    findings:
      proven: [br0 has the ports eth0.]
      wrong: []
      risky: []
"""

RETURN = r"""
risky:
  description: O(findings.risky).
  returned: always
  type: list
  elements: str
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core.edge import Module


def main():
    sentences = {"type": "list", "elements": "str", "required": True}
    module = Module(
        argument_spec={
            "findings": {
                "type": "dict",
                "required": True,
                "options": {"proven": sentences, "wrong": sentences, "risky": sentences},
            },
        },
        supports_check_mode=True,
    )
    module.fail_json(
        msg="A host has no findings of the role: call this module as a task, whose action runs on the controller."
    )


if __name__ == "__main__":
    main()
