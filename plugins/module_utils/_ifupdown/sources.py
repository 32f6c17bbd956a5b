# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that ifupdown reads, found as it finds them.

ifupdown expands C(source) by wordexp(3) without commands, relative to the file it stands in, and takes of
C(source-directory) only the names of [a-zA-Z0-9_-]; a file that it has read it does not read again. So it is asked of wordexp(3) here too:
quotes, C(${NAME:-word}) and C([^a]) mean what they mean to it.
"""

from __future__ import annotations

import ctypes
import glob
import json
import os
import re
from typing import Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Lazily
from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    cloud_init,
    ifupdown2,
    nic_names,
    regular_file,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import printed
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import Document
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import Files
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import Line
from ansible_collections.hypervisor.network.plugins.module_utils._managers import cloud_switch

DEFAULT = "/etc/network/interfaces"
_DIRECTORY_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_NO_COMMANDS = 1 << 2  # WRDE_NOCMD of glibc


def read(root: str, cloud: str) -> Files:
    """Every file that the root leads to; C(cloud) is cloud-init's directory. Raises Refused where one can't be read."""
    texts: dict[str, str] = {}
    includes: dict[str, list[list[str]]] = {}
    openings: list[tuple[str, str]] = []
    seen: set[str] = set()

    def visit(path: str) -> None:
        seen.add(os.path.realpath(path))
        texts[path] = regular_file.read_bytes(path).decode("utf-8", "surrogateescape")
        includes[path] = []
        for line in Document(texts[path]).lines:
            if line.kind in ("source", "source-directory"):
                expression = _expression(line, path)
                openings.extend((line.kind, pattern) for pattern in _openings(expression))
                reached: list[str] = []
                includes[path].append(reached)
                for one in _matching(line.kind, expression):
                    if os.path.realpath(one) not in seen:
                        reached.append(one)
                        visit(one)

    visit(root)
    # another root is of another system, whose routes are not these
    metrics = Lazily(_lease_metrics) if root == DEFAULT else {}
    unsteady = Lazily(nic_names.reasons) if root == DEFAULT else {}
    return Files(
        root,
        texts,
        includes,
        tuple(openings),
        not cloud_init.is_off(cloud),
        metrics,
        ifupdown2.is_here(),
        unsteady,
        *_switches(os.path.join(cloud, cloud_switch.FOLDER)),
    )


def _switches(folder: str) -> tuple[dict[str, str], str | None]:
    """Our files of cloud-init's, by path, and the folder where these are; None where there is none."""
    if not os.path.isdir(folder):
        return {}, None
    found = sorted(glob.glob(os.path.join(glob.escape(folder), cloud_switch.PATTERN)))
    return {
        path: regular_file.read_bytes(path).decode("utf-8", "surrogateescape")
        for path in found
        if regular_file.is_file(path)
    }, folder


def _expression(line: Line, path: str) -> str:
    """What ifupdown hands to wordexp: the line's words, behind the directory of its file where they don't begin with a slash."""
    return line.value if line.value.startswith("/") else f"{os.path.dirname(path)}/{line.value}"


def _openings(expression: str) -> list[str]:
    """The shell pattern of a source line, as it is before files are looked for, of its first word: others are not behind a directory.

    A new file is made only where one of these would match it.
    """
    # below a file there is nothing that a pattern could match, so that wordexp leaves it as it is, without its quotes
    nowhere = "/dev/null"
    return [one[len(nowhere) :] for one in wordexp(nowhere + expression)[:1]]


def _matching(kind: str, expression: str) -> Iterator[str]:
    for found in wordexp(expression):
        # at boot ifup is started in /
        path = os.path.join("/", found)
        if kind == "source":
            yield from filter(regular_file.is_file, [path])
        elif os.path.isdir(path):
            names = sorted(os.listdir(path), key=os.fsencode)
            yield from filter(
                regular_file.is_file,
                (os.path.join(path, name) for name in names if _DIRECTORY_NAME.fullmatch(name)),
            )


class _Words(ctypes.Structure):
    """wordexp_t of glibc."""

    _fields_ = [
        ("count", ctypes.c_size_t),
        ("words", ctypes.POINTER(ctypes.c_char_p)),
        ("offset", ctypes.c_size_t),
    ]


def wordexp(expression: str) -> list[str]:
    """wordexp(3) without commands, started in the root directory as ifup is at boot; no words where it fails, as ifupdown then reads nothing."""
    libc, found = ctypes.CDLL(None), _Words()
    here = os.open(".", os.O_PATH)
    try:
        os.chdir("/")
        failed = libc.wordexp(
            expression.encode("utf-8", "surrogateescape"), ctypes.byref(found), _NO_COMMANDS
        )
    finally:
        os.fchdir(here)
        os.close(here)
    if failed:
        return []
    words = [(found.words[number] or b"") for number in range(found.count)]
    libc.wordfree(ctypes.byref(found))
    return [word.decode("utf-8", "surrogateescape") for word in words]


def _lease_metrics() -> dict[str, int]:
    """By device, the metric of the IPv4 routes that a DHCP client has set (dhcpcd says so of its own; dhclient does not, and sets none)."""
    routes = json.loads(printed(["ip", "-json", "-4", "route", "show", "proto", "dhcp"]) or "[]")
    return {
        route["dev"]: route["metric"] for route in routes if route.get("metric") and "dev" in route
    }
