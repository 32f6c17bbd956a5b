# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Key files: NetworkManager's profiles and what it keeps of devices below /run. Read as groups of keys, and written again with the same values,
byte for byte: what is copied is never taken apart.

Source: nm-settings-keyfile(5), GLib's GKeyFile: a group or a key that stands twice goes on, and its last value counts.
"""

from __future__ import annotations

from typing import Mapping

Groups = Mapping[str, Mapping[str, str]]


def parse(text: str) -> dict[str, dict[str, str]]:
    """C({group: {key: value}}) in the file's order, values as written; what is no assignment in a group is passed over."""
    found: dict[str, dict[str, str]] = {}
    group: dict[str, str] | None = None
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            group = found.setdefault(line[1:-1], {})
            continue
        key, equals, value = line.partition("=")
        if equals and group is not None and not line.startswith("#"):
            group[key.rstrip()] = value.lstrip()
    return found


def render(groups: Groups, comment: str = "") -> str:
    """The groups as a key file, those that hold nothing left out but for the ones that say what kind a profile is."""
    parts = [f"# {comment}"] if comment else []
    for name, keys in groups.items():
        if keys:
            parts.append(
                "\n".join((f"[{name}]", *(f"{key}={value}" for key, value in keys.items())))
            )
    return "\n\n".join(parts) + "\n"


def value(groups: Groups, group: str, key: str, default: str = "") -> str:
    """What a key says, C(default) where it or its group is missing."""
    return groups.get(group, {}).get(key, default)


def is_port(port: Groups, bridge: str, host: Groups) -> bool:
    """Whether a profile makes its device a port of the bridge, which C(host) is the profile of: by its name, its UUID or its id."""
    said = port.get("connection", {})
    kind = said.get("port-type") or said.get("slave-type")
    master = said.get("controller") or said.get("master")
    own = host.get("connection", {})
    names = (bridge, own.get("uuid"), own.get("id"))
    return kind == "bridge" and master is not None and master in names
