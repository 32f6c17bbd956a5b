# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that ifupdown reads, found as it finds them, as a noun for the one loop.

ifupdown expands C(source) by wordexp(3) without commands, relative to the file it stands in, and takes of
C(source-directory) only the names of [a-zA-Z0-9_-]; a file that it has read it does not read again.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import shlex
import stat
import subprocess
import tempfile
from typing import Iterator, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils import _files
from ansible_collections.hypervisor.network.plugins.module_utils import _interfaces_plan as planner
from ansible_collections.hypervisor.network.plugins.module_utils._errors import BadInput, Refused
from ansible_collections.hypervisor.network.plugins.module_utils._interfaces import Document, Line
from ansible_collections.hypervisor.network.plugins.module_utils._interfaces_check import (
    Wish,
    one_line,
)
from ansible_collections.hypervisor.network.plugins.module_utils._plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._programs import (
    PATH,
    path_of,
    printed,
)
from ansible_collections.hypervisor.network.plugins.module_utils._snapshot import Lazily

DEFAULT = "/etc/network/interfaces"
BACKUPS = "/var/backups/hypervisor-network"
_DIRECTORY_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_UNQUOTED = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.")
_DISABLED = re.compile(
    r"^network:\s*(?:\{\s*|\n\s+)[\"']?config[\"']?:\s*[\"']?disabled\b", re.MULTILINE
)
_SECONDS = 20


class Interfaces:
    """The noun: C(read) gives Files, C(plan) takes a list of Wish."""

    def __init__(
        self,
        root: str = DEFAULT,
        backups: str | None = BACKUPS,
        validate: bool = True,
        cloud: str = "/etc/cloud",
    ) -> None:
        for option, path in (("path", root), ("backup_dir", backups)):
            if path is not None and (one_line(path, option) != path or not os.path.isabs(path)):
                raise BadInput(
                    f"{option} {path!r} is no absolute path; write it from the root, like {DEFAULT}."
                )
        self._root = os.path.normpath(root)
        self._base = os.path.dirname(self._root)
        self._backups = backups
        self._validate = validate
        self._cloud = cloud
        if backups is not None and os.path.commonpath(
            [os.path.realpath(backups), os.path.realpath(self._base)]
        ) == os.path.realpath(self._base):
            raise BadInput(
                f"backup_dir {backups} is inside {self._base}, where ifupdown could read the copies; choose a directory outside."
            )

    def read(self) -> planner.Files:
        """Every file that the root leads to."""
        texts: dict[str, str] = {}
        includes: dict[str, list[list[str]]] = {}
        openings: list[tuple[str, str]] = []
        seen: set[str] = set()

        def visit(path: str) -> None:
            seen.add(os.path.realpath(path))
            texts[path] = _files.read_bytes(path).decode("utf-8", "surrogateescape")
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

        visit(self._root)
        # another root is of another system, whose routes are not these
        metrics = Lazily(_lease_metrics) if self._root == DEFAULT else {}
        return planner.Files(
            self._root,
            texts,
            includes,
            tuple(openings),
            not cloud_init_is_off(self._cloud),
            metrics,
        )

    def plan(self, now: planner.Files, wish: Sequence[Wish] | planner.Restore) -> list[Change]:
        """The pure plan, and then all that can be known now of what would stop it. Reads and probes, writes no configuration."""
        changes = planner.plan(now, wish)
        edits = self._edits(changes)
        for edit in edits:
            _files.probe(edit)
        for directory in {os.path.dirname(path) for path, _content in self._copies(changes)}:
            _files.probe_directory(directory)
        if edits and self._validate and not isinstance(wish, planner.Restore):
            _ask_ifquery(
                planner.flat(now, changes), [one.name for one in wish if one.state == "present"]
            )
        return changes

    def apply(self, changes: Sequence[Change], now: planner.Files) -> None:
        """Keep backups of the files, then replace them."""
        for path, content in self._copies(changes):
            _files.back_up(path, content)
        _files.replace(self._edits(changes), self._base)

    def wish_back(self, before: planner.Files, changes: Sequence[Change]) -> planner.Restore:
        """PURE: each file's former text, where it has ours."""
        del before
        return planner.Restore(
            {path: (texts.new, texts.old) for path, texts in planner.files(changes)}
        )

    def backups_of(self, changes: Sequence[Change]) -> list[str]:
        """The paths of the copies that a plan keeps."""
        return [path for path, _content in self._copies(changes)]

    def _copies(self, changes: Sequence[Change]) -> list[tuple[str, bytes]]:
        """What to keep and where: the name of a copy tells the file and its content, so that none is kept twice."""
        found = []
        for path, texts in planner.files(changes):
            content = _encoded(texts.old)
            if self._backups is not None and content is not None and texts.keep:
                name = f"{path.strip('/').replace('/', '-')}.{hashlib.sha256(content).hexdigest()[:16]}"
                found.append((os.path.join(self._backups, name), content))
        return found

    def _edits(self, changes: Sequence[Change]) -> list[_files.Edit]:
        return [
            _files.Edit(_files.within(path, self._base), _encoded(texts.old), _encoded(texts.new))
            for path, texts in planner.files(changes)
        ]


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")


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
            yield from filter(_is_file, sorted(glob.glob(pattern), key=os.fsencode))
            continue
        for directory in sorted(glob.glob(pattern), key=os.fsencode):
            names = (
                sorted(os.listdir(directory), key=os.fsencode) if os.path.isdir(directory) else []
            )
            yield from filter(
                _is_file,
                (
                    os.path.join(directory, name)
                    for name in names
                    if _DIRECTORY_NAME.fullmatch(name)
                ),
            )


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def cloud_init_is_off(directory: str) -> bool:
    """Whether cloud-init, or its part for the network, is switched off (docs.cloud-init.io: disabling network configuration)."""
    if os.path.exists(os.path.join(directory, "cloud-init.disabled")):
        return True
    for path in (
        os.path.join(directory, "cloud.cfg"),
        *sorted(glob.glob(os.path.join(directory, "cloud.cfg.d", "*.cfg"))),
    ):
        if _is_file(path) and _DISABLED.search(_files.read_bytes(path).decode("utf-8", "replace")):
            return True
    return False


def _lease_metrics() -> dict[str, int]:
    """By device, the metric of the IPv4 routes that a DHCP client has set (dhcpcd says so of its own; dhclient does not, and sets none)."""
    routes = json.loads(printed(["ip", "-json", "-4", "route", "show", "proto", "dhcp"]) or "[]")
    return {
        route["dev"]: route["metric"] for route in routes if route.get("metric") and "dev" in route
    }


def _ask_ifquery(text: str, names: Sequence[str]) -> None:
    """Have ifupdown itself read a copy of what would be written, where it is installed; Refused with what it says."""
    program = path_of("ifquery")
    if program is None:
        return
    with tempfile.TemporaryDirectory(prefix="hypervisor-network-") as directory:
        copy = os.path.join(directory, "interfaces")
        with open(copy, "wb") as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))
        for arguments in (["--list"], names) if names else (["--list"],):
            try:
                done = subprocess.run(
                    [program, "-i", copy, *arguments], capture_output=True, check=False, timeout=_SECONDS, stdin=subprocess.DEVNULL,
                    env={"PATH": PATH, "LC_ALL": "C"},
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise Refused(
                    f"ifquery did not answer within {_SECONDS} s on a copy of the new text; see whether it hangs by hand."
                ) from None
            if done.returncode != 0:
                said = done.stderr.decode("utf-8", "replace").replace(copy, "the new text").strip()
                raise Refused(
                    f"ifupdown would not read the new text: {said}; correct the files, or set validate to false."
                )
