# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The words that a guest's options are made of: lines of text, paths, sizes, and what else is checked alike in many of them.

A check takes a value and the name of its option, returns the value in canonical form, and raises BadInput.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Callable, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SIZE = re.compile(r"\s*(\d+)\s*([kmgt]?)(?:i?b)?\s*", re.IGNORECASE)
_ENDPOINT = re.compile(r"(?:\[(?P<six>[^]]+)\]|(?P<four>[0-9.]+)):(?P<port>[0-9]{1,5})", re.ASCII)
_SIZES = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def text(value: str, option: str) -> str:
    """One line of text: what ends a line or a C string ends an option too. Raises BadInput."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise BadInput(f"{option} holds a control character; give one line of plain text.")
    return value


def path(value: str, option: str) -> str:
    """An absolute path of a file, never QEMU's json: or protocol: forms. Raises BadInput."""
    text(value, option)
    if not value.startswith("/") or value.startswith("//") or ".." in value.split("/"):
        raise BadInput(
            f"{option} {value!r} is not an absolute path without '..'; name a file such as /var/lib/images/vm1.qcow2."
        )
    return value


def matching(pattern: re.Pattern[str], form: str) -> Callable[[str, str], str]:
    """The check that a word has this form. It raises BadInput."""

    def check(value: str, option: str) -> str:
        if not pattern.fullmatch(value):
            raise BadInput(f"{option} {value!r} is not {form}.")
        return value

    return check


def between(least: int, most: int) -> Callable[[int, str], int]:
    """A check C((value, option)) that returns the number if it is within these two, themselves included, and raises BadInput otherwise."""

    def check(value: int, option: str) -> int:
        if not least <= value <= most:
            raise BadInput(f"{option} {value} is outside {least} to {most}; give a number within.")
        return value

    return check


def any_of_its_type(value: Any, _option: str) -> Any:
    """What Ansible has checked already: a choice, a boolean."""
    return value


def size(value: str, option: str, unit: int) -> int:
    """A size in bytes; a bare number counts in C(unit). Raises BadInput."""
    found = _SIZE.fullmatch(str(value))
    if not found or int(found.group(1)) == 0:
        raise BadInput(f"{option} {value!r} is not a size; write 512, 512M or 4G.")
    return int(found.group(1)) * (
        1024 ** _SIZES[found.group(2).lower()] if found.group(2) else unit
    )


def mebibytes(value: str, option: str) -> int:
    """A size in whole MiB. Raises BadInput."""
    found = size(value, option, 1024**2)
    if found % 1024**2:
        raise BadInput(
            f"{option} {value!r} is no whole number of MiB; write it like 512, 512M or 2G."
        )
    return found // 1024**2


def endpoint(value: str, option: str) -> tuple[str, int]:
    """An address and a port, as C(192.0.2.10:22) or C([2001:db8::10]:22). Raises BadInput."""
    found = _ENDPOINT.fullmatch(value)
    try:
        address = ipaddress.ip_address((found and (found["six"] or found["four"])) or "")
    except ValueError:
        found = None
    if found is None or (address.version == 6) != bool(found["six"]):
        raise BadInput(
            f"{option} {value!r} is no address with a port; write it like 192.0.2.10:22 or [2001:db8::10]:22."
        )
    return str(address), between(1, 65535)(int(found["port"]), option)


def given(item: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Those of the keys that were given. A definition that an earlier version of this collection wrote lacks the others too, and is no other one."""
    return {key: item[key] for key in keys if item.get(key) is not None}
