# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: unapplied_tags
short_description: Internal, refuse a role that was included by tags which none of its tasks has
version_added: 0.1.0
description:
  - Internal to this collection, and not meant for playbooks. It may change or go in any release.
  - Tags of an include are not those of what it includes. Without C(apply) in its arguments the include of a role is chosen and no task in it, so that
    nothing would be done and the run would be green. This is refused.
  - An import whose tags are not asked for is no mistake, and nothing is said.
  - Runs on the controller only, by the action of this name.
author:
  - The hypervisor.network contributors (@hypervisor-network)
extends_documentation_fragment:
  - hypervisor.network._attributes.controller
  - hypervisor.network._attributes.info
options:
  parts:
    description:
      - Tags of the role's own, each of which chooses a part of it, so that nothing is refused where one is asked for.
    type: list
    elements: str
    default: []
  chosen:
    description:
      - Whether the task's own part of the role is chosen, where that is known. Otherwise it is, if what is above this task has a tag that is asked for.
    type: bool
"""

EXAMPLES = r"""
- name: What the role bridge_host asks first where tags are given
  hypervisor.network.unapplied_tags:
    parts: [bridges, uplinks]
  tags: [always]
"""

RETURN = r"""
chosen:
  description: Whether all of the role, or the task's own part of it, is chosen.
  returned: always
  type: bool
"""

from ansible_collections.hypervisor.network.plugins.module_utils._core.edge import Module


def main():
    module = Module(
        argument_spec={
            "parts": {"type": "list", "elements": "str", "default": []},
            "chosen": {"type": "bool"},
        },
        supports_check_mode=True,
    )
    module.fail_json(
        msg="A host can't tell what stands above a task: call this module as a task, whose action runs on the controller."
    )


if __name__ == "__main__":
    main()
