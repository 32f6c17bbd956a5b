# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that ifupdown reads, found as it finds them.

ifupdown expands C(source) by wordexp(3) without commands, relative to the file it stands in, and takes of
C(source-directory) only the names of [a-zA-Z0-9_-]; a file that it has read it does not read again.
"""

from __future__ import annotations

import glob
import json
import os
import re
import shlex
from typing import Iterator, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Lazily
from ansible_collections.hypervisor.network.plugins.module_utils._host import cloud_init, files
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import printed
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import (
    Document,
    Line,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import Files

DEFAULT = "/etc/network/interfaces"
_DIRECTORY_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_UNQUOTED = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.")


def read(root: str, cloud: str) -> Files:
    """Every file that the root leads to; C(cloud) is cloud-init's directory. Raises Refused where one can't be read."""
    texts: dict[str, str] = {}
    includes: dict[str, list[list[str]]] = {}
    openings: list[tuple[str, str]] = []
    seen: set[str] = set()

    def visit(path: str) -> None:
        seen.add(os.path.realpath(path))
        texts[path] = files.read_bytes(path).decode("utf-8", "surrogateescape")
        includes[path] = []
        for line in Document(texts[path]).lines:
            if line.kind in ("source", "source-directory"):
                patterns = list(_patterns(line, path))
                openings.extend((line.kind, pattern) for pattern in patterns)
                reached: list[str] = []
                includes[path].append(reached)
                for one in _matching(line.kind, patterns):
                    if os.path.realpath(one) not in seen:
                        reached.append(one)
                        visit(one)

    visit(root)
    # another root is of another system, whose routes are not these
    metrics = Lazily(_lease_metrics) if root == DEFAULT else {}
    return Files(
        root,
        texts,
        includes,
        tuple(openings),
        not cloud_init.is_off(cloud),
        metrics,
    )


def _patterns(line: Line, path: str) -> Iterator[str]:
    """The shell patterns of a source line, as absolute paths."""
    bare = _UNQUOTED.sub("", line.value)
    # wordexp fails, and ifupdown reads nothing
    if re.search(r"[|&;<>(){}`]|\$\(", bare) or "`" in line.value:
        return
    try:
        parts = shlex.split(line.value)
    except ValueError:
        return
    for number, part in enumerate(parts):
        pattern = os.path.expanduser(os.path.expandvars(part))
        # Only the first word is put behind the directory; another one is relative to where ifup is started, at boot '/'.
        base = os.path.dirname(path) if number == 0 else "/"
        yield os.path.join(base, pattern)


def _matching(kind: str, patterns: Sequence[str]) -> Iterator[str]:
    for pattern in patterns:
        if kind == "source":
            yield from filter(files.is_file, sorted(glob.glob(pattern), key=os.fsencode))
            continue
        for directory in sorted(glob.glob(pattern), key=os.fsencode):
            names = (
                sorted(os.listdir(directory), key=os.fsencode) if os.path.isdir(directory) else []
            )
            yield from filter(
                files.is_file,
                (
                    os.path.join(directory, name)
                    for name in names
                    if _DIRECTORY_NAME.fullmatch(name)
                ),
            )


def _lease_metrics() -> dict[str, int]:
    """By device, the metric of the IPv4 routes that a DHCP client has set (dhcpcd says so of its own; dhclient does not, and sets none)."""
    routes = json.loads(printed(["ip", "-json", "-4", "route", "show", "proto", "dhcp"]) or "[]")
    return {
        route["dev"]: route["metric"] for route in routes if route.get("metric") and "dev" in route
    }
