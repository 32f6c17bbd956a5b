# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write down what an item of the role bridge_host's lists may say, in a guide and in the role's documentation, out of its modules' specs.

tools/env local python tools/role_keys.py

The keys stand in no argument_specs as suboptions. It was tried, with a role that this one depends on and that tells our sentence before core's own
validation runs, which works with ansible-core 2.16, 2.19 and 2.21. Against it stands what was measured on 50 hosts with ten guests each:

- Core before 2.19 leaves a text in the place of what an item omits (C(access_vlan: "{{ vlan | default(omit) }}")). As a task's argument core takes it out,
  and its validation of a role refuses it for every key that is no text. Nothing that runs before can change what core reads there.
- Core renders the whole spec as a template for each host, 1,200 values: 75 ms of processor time with 2.19, 65 with 2.21 and 22 with 2.16, where a ping takes
  260 to 410. The task that would come first takes 15 more at least. A second run of 3.1 pings would become one of 3.5. Suboptions under a name that core
  does not validate (C(suboptions)) cost the same, and antsibull-docs refuses them.
- Without that role, core's answer to one wrong key is all keys of the list, 45 KB of spec, and neither the item nor a near word.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.hypervisor.network.plugins.doc_fragments import (
    _bridge,
    _guest,
    _port,
    _tap,
)
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import items
from ansible_collections.hypervisor.network.plugins.modules import bridge_uplink

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs/docsite/rst/variables.rst"
ROLE = ROOT / "roles/bridge_host/meta/argument_specs.yml"
HEAD = """\
..
  SPDX-License-Identifier: GPL-3.0-or-later

.. Written by tools/role_keys.py out of the modules' documentation.

.. _ansible_collections.hypervisor.network.docsite.variables:

What the lists of the role may say
==================================

An item of a list of :ansplugin:`hypervisor.network.bridge_host#role` may say the following. What it does not say, or omits, is left alone.
Of each key this is the first sentence; the module that is named beside it tells the rest.
"""

# What no module documents: the role's own words
OWN = {
    "bridges": {
        "uplink": "Name of the NIC that becomes a port of the bridge, and whose addresses, routes and DHCP lease the bridge takes over.",
        "method": "What the file says of the bridge. Left out, it is what the file says of the uplink.",
        "address": "Addresses with their prefix lengths, with method static. With an uplink, the host must have them already; without one, it gets them.",
        "gateway": "Gateways, with method static.",
        "maxwait": "Seconds that a boot waits for the ports to forward. Left out, it is 0.",
    },
    "tenants": {
        "name": "Name of the tenant.",
        "vlan": "The VLAN of the tenant, which nobody else has.",
        "guests": "Guests of bridge_host_guests, all of whose taps are the tenant's.",
        "taps": "Further taps of bridge_host_taps, for what is no guest of this role.",
        "dhcp": "Whether a DHCP server has to answer in the tenant's VLAN.",
    },
}
EXAMPLES = {
    "bridges": "{name: br0, uplink: eth0, vlan_filtering: true}",
    "taps": "{name: tap1, bridge: br0, access_vlan: 20}",
    "guests": "{name: vm1, memory: 2G, nics: [{tap: tap1}], disks: [{path: /srv/vm1.qcow2, format: qcow2, size: 20G}]}",
    "tenants": "{name: blue, vlan: 10, guests: [vm1]}",
}
SPECS = {
    "bridges": items.BRIDGE,
    "taps": items.TAP,
    "guests": items.GUEST,
    "tenants": items.TENANT,
}


def _options(fragment: Any) -> dict[str, Any]:
    return yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"]


def _sources() -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """For each list, the modules whose options its items take, with their documentation; the first that has a key tells of it."""
    uplink = yaml.safe_load(bridge_uplink.DOCUMENTATION)["options"]
    return {
        "bridges": [("linux_bridge", _options(_bridge)), ("bridge_uplink", uplink)],
        "taps": [("tap_device", _options(_tap)), ("bridge_port", _options(_port))],
        "guests": [("qemu_guest", _options(_guest))],
        "tenants": [],
    }


def _plain(sentence: str) -> str:
    """Markup of a module's documentation as that of a guide."""
    sentence = re.sub(r"\b[CVOEM]+\(([^()]+)\)", r"``\1``", sentence)
    return re.sub(r"``[\w.]+#module:([^`]+)``", r"``\1``", sentence)


def _first(description: Any) -> str:
    text = description if isinstance(description, str) else description[0]
    return _plain(re.split(r"(?<=\.)\s+(?=[A-Z])", text, maxsplit=1)[0])


def _kind(option: Mapping[str, Any]) -> str:
    kind = option.get("type", "str")
    if "elements" in option:
        kind += f" of {option['elements']}"
    if option.get("choices"):
        kind += f" ({', '.join(map(str, option['choices']))})"
    return kind + (", required" if option.get("required") else "")


def _rows(name: str) -> Iterator[tuple[str, str, str, str]]:
    """(key, type, sentence, module) for each key of a list, and for those within it."""
    sources = _sources()[name]
    for key, option in SPECS[name].items():
        own = OWN.get(name, {}).get(key)
        module, told = next(
            ((module, options[key]) for module, options in sources if key in options),
            ("", {}),
        )
        yield key, _kind(option), own or _first(told["description"]), "" if own else module
        for inner, one in option.get("options", {}).items():
            sentence = _first(told["suboptions"][inner]["description"])
            yield f"{key}: {inner}", _kind(one), sentence, module


def guide() -> str:
    """The whole guide."""
    lines = [HEAD]
    for name in SPECS:
        title = f"bridge_host_{name}"
        lines += [title, "-" * len(title), "", ".. code-block:: yaml", ""]
        lines += [f"  {title}:", f"    - {EXAMPLES[name]}", ""]
        lines += [".. list-table::", "   :header-rows: 1", ""]
        lines += ["   * - key", "     - type", "     - what it is", "     - the rest"]
        for key, kind, sentence, module in _rows(name):
            there = (
                f":ansplugin:`hypervisor.network.{module}#module`" if module else "the role's own"
            )
            lines += [
                f"   * - ``{key}``",
                f"     - {kind}",
                f"     - {sentence}",
                f"     - {there}",
            ]
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def role(text: str) -> str:
    """The role's argument_specs with the sentences that show an item of each list and name its keys, which are there already."""
    for name, spec in SPECS.items():
        shown = _filled(f'- "For example C({EXAMPLES[name]})."')
        words = _filled(f"- Keys are {', '.join(f'C({key})' for key in sorted(spec))}.")
        before, variable, after = text.partition(f"\n      bridge_host_{name}:\n")
        after = re.sub(r' {10}- "For example C\([^"]*"', lambda _, new=shown: new, after, count=1)
        after = re.sub(r" {10}- Keys are [^.]*\.", words, after, count=1)
        text = before + variable + after
    return text


def _filled(words: str) -> str:
    return textwrap.fill(
        words, 140, initial_indent=" " * 10, subsequent_indent=" " * 12, break_on_hyphens=False
    )


if __name__ == "__main__":
    ROLE.write_text(role(ROLE.read_text("utf-8")), encoding="utf-8")
    GUIDE.write_text(guide(), encoding="utf-8")
