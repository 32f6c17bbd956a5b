# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter adopted; its documentation is in adopted.yml."""

from __future__ import annotations

import json
from typing import Any, Mapping

from ansible.errors import AnsibleFilterError

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host.items import plain
from ansible_collections.hypervisor.network.plugins.plugin_utils import _adopted


def adopted(
    variables: Mapping[str, Any], file: str | None = None, overwrite: bool = False
) -> dict[str, Any]:
    """The file of variables of a host as it is now, and whether it may take the place of the one that is there. Raises AnsibleFilterError."""
    if not isinstance(variables, Mapping):
        raise AnsibleFilterError(
            f"adopted wants the as_variables of bridge_info, not {type(variables).__name__}."
        )
    # what Ansible hands over are texts and numbers that know where they come from, which YAML can't write
    return _adopted.adopted(json.loads(json.dumps(plain(variables))), file, overwrite)


class FilterModule:
    """What Ansible asks a filter plugin for."""

    def filters(self) -> dict:
        return {"adopted": adopted}
