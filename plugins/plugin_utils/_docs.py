# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What the doc fragments share: the same options, written once, documented beside the list and inside it."""

from __future__ import annotations

import textwrap
from typing import Any

import yaml

# Options of every device that is not only a port
LINK = r"""
txqueuelen:
  description:
    - Length of the transmit queue in packets.
  type: int
alias:
  description:
    - Text for people, which C(ip link) shows. At most 255 bytes, empty for none.
  type: str
addr_gen_mode:
  description:
    - How the kernel makes IPv6 addresses of the device from now on, the link-local one among them. V(none) makes none, which suits a port of a bridge.
    - V(stable_secret) wants the secret of the sysctl C(net.ipv6.conf.NAME.stable_secret) first. Addresses that are there already stay.
  type: str
  choices: [eui64, none, stable_secret, random]
"""


def one_or_many(options: str, plural: str, description: str) -> str:
    """The options of one item as YAML, followed by the list option C(plural) that has them all as suboptions.

    What an option means is told once, beside the list. An item has no defaults and requires nothing: what it leaves out comes from there.
    """
    options = textwrap.dedent(options).strip("\n")
    inside = {
        name: {key: value for key, value in option.items() if key not in ("default", "required")}
        for name, option in _pointing(yaml.safe_load(options)).items()
    }
    listed = (
        f"{plural}:\n  description:\n    - {description}\n  type: list\n  elements: dict\n  suboptions:\n"
        + textwrap.indent(yaml.safe_dump(inside, sort_keys=False), "    ")
    )
    return "options:\n" + textwrap.indent(f"{options}\n{listed}\n", "  ")


def _pointing(options: dict[str, Any], within: str = "") -> dict[str, Any]:
    """The same options, whose descriptions only point at these ones; C(within) is the option that has them, as a reference writes it."""
    pointing = {}
    for name, option in options.items():
        pointing[name] = {**option, "description": [f"As O({within}{name})."]}
        if "suboptions" in option:
            many = "[]" if option["type"] == "list" else ""
            pointing[name]["suboptions"] = _pointing(option["suboptions"], f"{within}{name}{many}.")
    return pointing


def vlan_list(name: str, *description: str) -> str:
    """A list option of VLANs, with the suboptions that all such lists have."""
    lines = "".join(f"\n    - {sentence}" for sentence in description)
    return f"""
{name}:
  description:{lines}
  type: list
  elements: dict
  suboptions:
    vid:
      description:
        - Number of the VLAN, 1 to 4094, or a range such as V(100-199).
      type: str
      required: true
    pvid:
      description:
        - Whether untagged frames that come in belong to this VLAN. Only one VLAN may have it.
      type: bool
      default: false
    untagged:
      description:
        - Whether frames of this VLAN go out untagged.
      type: bool
      default: false
"""
