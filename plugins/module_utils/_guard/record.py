# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a guarded change's record: written whole or not at all, and read without trust.

A full disk or a power cut leaves the file that was there before, or none. What is there all the same, empty, cut off or not ours, is named and
stops nobody.
"""

from __future__ import annotations

import json
import os
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._host import atomic, regular_file

_MOST_BYTES = 1 << 26
_NUMBER = (int, float)
# What others calculate with; any other key is only handed on
_TYPES: Mapping[str, Any] = {
    "began": _NUMBER,
    "boot": str,
    "deadline": _NUMBER,
    "devs": list,
    "gateways": list,
    "netns": (str, type(None)),
    "network": (str, type(None)),
    "source": (str, type(None)),
    "timeout": _NUMBER,
    "wanted": dict,
    "what": str,
    "why": str,
    "wish": str,
}


class Unreadable(ValueError):
    """A record that says nothing; the message says why, as the end of a sentence."""


def write(directory: str, name: str, content: Any) -> None:
    """Write C(content) as JSON into the file C(name), whole or not at all. Raises OSError."""
    atomic.write(os.path.join(directory, name), json.dumps(content, indent=1).encode())


def sync(directory: str) -> None:
    """Have the disk know the names in a directory. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: str) -> dict[str, Any]:
    """What a file of C(write) holds. Raises Unreadable, and FileNotFoundError where there is none."""
    if not os.path.lexists(path):
        raise FileNotFoundError(path)
    try:
        text = regular_file.read_bytes(path)
    except Refused as error:
        if not os.path.lexists(path):  # renamed while we looked
            raise FileNotFoundError(path) from None
        raise Unreadable(str(error)) from None
    if not text.strip(b"\0 \t\r\n"):
        raise Unreadable("it is empty")
    try:
        found = json.loads(text[:_MOST_BYTES])
    except (ValueError, RecursionError):
        raise Unreadable("it is cut off, or was never one of ours") from None
    if not isinstance(found, dict):
        raise Unreadable("it was never one of ours")
    for key, kind in _TYPES.items():
        if key in found and (not isinstance(found[key], kind) or isinstance(found[key], bool)):
            raise Unreadable(f"its '{key}' is none")
    return found
