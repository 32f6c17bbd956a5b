# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that ifupdown reads, as a noun for the one loop: planned, checked by ifupdown itself, and replaced."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import replace
from typing import Callable, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    BadInput,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change
from ansible_collections.hypervisor.network.plugins.module_utils._host import files
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import (
    path_of,
    run,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import (
    files as stanza_files,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import (
    lines,
    sources,
    sysfs,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import (
    plan as stanza_plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.commands import questions
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import Files
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import (
    COMMANDS,
    canonical,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.sources import DEFAULT
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import (
    Wish,
    one_line,
)

BACKUPS = "/var/backups/hypervisor-network"
_SECONDS = 20
# how iproute2's programs begin to speak of a value, but not of a word
_BAD_VALUE = "Error: argument"


class Interfaces:
    """The noun: C(read) gives Files, C(plan) takes a list of Wish."""

    def __init__(
        self,
        root: str = DEFAULT,
        backups: str | None = BACKUPS,
        validate: bool = True,
        cloud: str = "/etc/cloud",
        cloud_init_network: bool | None = None,
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
        self._cloud_init_network = cloud_init_network
        self._asked: dict[tuple[str, ...], str | None] = {}
        if backups is not None and os.path.commonpath(
            [os.path.realpath(backups), os.path.realpath(self._base)]
        ) == os.path.realpath(self._base):
            raise BadInput(
                f"backup_dir {backups} is inside {self._base}, where ifupdown could read the copies; choose a directory outside."
            )

    def read(self) -> Files:
        """Every file that the root leads to."""
        return sources.read(self._root, self._cloud)

    def is_there(self) -> bool:
        """Whether the root is: hosts of other managers have none."""
        return os.path.exists(self._root)

    def plan(self, now: Files, wish: Sequence[Wish] | stanza_files.Restore) -> list[Change]:
        """The pure plan, and then all that can be known now of what would stop it. Reads and probes, writes no configuration."""
        changes = stanza_plan.plan(now, wish, self._cloud_init_network)
        if changes and self._validate and not isinstance(wish, stanza_files.Restore):
            wish = [self._bootable(one) for one in wish]
            changes = stanza_plan.plan(now, wish, self._cloud_init_network)
        edits = self._edits(changes)
        for edit in edits:
            files.probe(edit)
        for directory in {os.path.dirname(path) for path, _content in self._copies(changes)}:
            files.probe_directory(directory)
        if edits and self._validate and not isinstance(wish, stanza_files.Restore):
            docs = stanza_files.docs_after(now, changes)
            present = [one.name for one in wish if one.state == "present"]
            # what others inherit from need not be complete
            asked = [name for name in present if not lines.has_heirs(docs, name)]
            _ask_ifquery(*stanza_files.flat(now, changes), list(dict.fromkeys(asked)))
            for one in wish:
                _ask_iproute2(one, self._complaint)
        return changes

    def _bootable(self, wish: Wish) -> Wish:
        """With its option lines as they boot here, see C(sysfs)."""
        options = {
            key: values
            if canonical(key) not in COMMANDS
            else tuple(line for value in values for line in sysfs.bootable(value, self._knows))
            for key, values in wish.options.items()
        }
        return replace(wish, options=options)

    def _knows(self, question: Sequence[str]) -> bool:
        """Whether the words are known; a value that is not is another matter."""
        said = self._complaint(question)
        return said is None or said.startswith(_BAD_VALUE)

    def _complaint(self, question: Sequence[str]) -> str | None:
        """As C(complaint), each question asked once: a hundred taps have the same options."""
        words = tuple(question)
        if words not in self._asked:
            self._asked[words] = complaint(words)
        return self._asked[words]

    def apply(self, changes: Sequence[Change], now: Files) -> None:
        """Keep backups of the files, then replace them."""
        for path, content in self._copies(changes):
            files.back_up(path, content)
        files.replace(self._edits(changes), self._base)

    def wish_back(self, before: Files, changes: Sequence[Change]) -> stanza_files.Restore:
        """PURE: each file's former text, where it has ours."""
        del before
        return stanza_files.Restore(
            {path: (texts.new, texts.old) for path, texts in stanza_files.files(changes)}
        )

    def backups_of(self, changes: Sequence[Change]) -> list[str]:
        """The paths of the copies that a plan keeps."""
        return [path for path, _content in self._copies(changes)]

    def _copies(self, changes: Sequence[Change]) -> list[tuple[str, bytes]]:
        """What to keep and where: the name of a copy tells the file and its content, so that none is kept twice."""
        found = []
        for path, texts in stanza_files.files(changes):
            content = _encoded(texts.old)
            if self._backups is not None and content is not None and texts.keep:
                name = f"{path.strip('/').replace('/', '-')}.{hashlib.sha256(content).hexdigest()[:16]}"
                found.append((os.path.join(self._backups, name), content))
        return found

    def _edits(self, changes: Sequence[Change]) -> list[files.Edit]:
        return [
            files.Edit(
                files.within(path, self._base if texts.stanzas else self._cloud),
                _encoded(texts.old),
                _encoded(texts.new),
                _encoded(texts.meanwhile),
            )
            for path, texts in stanza_files.files(changes)
        ]


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")


def _ask_ifquery(text: str, places: Sequence[str], names: Sequence[str]) -> None:
    """Have ifupdown itself read a copy of what would be written, where it is installed; Refused with what it says.

    It numbers the lines of the copy, in whose stead C(places) tells where they are.
    """
    program = path_of("ifquery")
    if program is None:
        return
    with tempfile.TemporaryDirectory(prefix="hypervisor-network-") as directory:
        copy = os.path.join(directory, "interfaces")
        with open(copy, "wb") as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))
        for arguments in (["--list"], names) if names else (["--list"],):
            try:
                done = run([program, "-i", copy, *arguments], _SECONDS)
            except TimeoutError:
                raise Refused(
                    f"ifquery did not answer within {_SECONDS} s on a copy of the new text; see whether it hangs by hand."
                ) from None
            if done.status != 0:
                said = _placed(done.errors, copy, places)
                raise Refused(
                    f"ifupdown would not read the new text: {said}; correct the files, or set validate to false."
                )


def _placed(said: str, copy: str, places: Sequence[str]) -> str:
    """What ifquery says, in one line, with the places that the user knows."""

    def place(match: re.Match[str]) -> str:
        number = int(match[1])
        return places[number - 1] if 0 < number <= len(places) else "the end of the files"

    told = re.sub(rf"{re.escape(copy)}:(\d+)", place, said).replace(copy, "the new text")
    return "; ".join(line.strip() for line in told.splitlines() if line.strip())


def _ask_iproute2(wish: Wish, complaint_of: Callable[[Sequence[str]], str | None]) -> None:
    """Have ip(8) and bridge(8) of this host read the option lines that are asked for: one word that they don't know is the end of its line at boot.

    Refused with the line and what they say of it.
    """
    for key, values in wish.options.items():
        if canonical(key) not in COMMANDS:
            continue
        for value in values:
            for question in questions(value):
                said = complaint_of(question)
                if said is not None:
                    raise Refused(
                        f"{wish.name}: the line '{key} {value}' would fail at boot, since {question[0]} of this host says {said!r}; "
                        "leave the option out, or install an iproute2 that knows it."
                    )


def complaint(words: Sequence[str]) -> str | None:
    """What a program of iproute2 says of a question (commands.py), where it does not take all the words before its end."""
    program = path_of(words[0])
    if program is None:
        return None
    try:
        done = run([program, *words[1:]], _SECONDS)
    except OSError:
        return None
    said = (done.errors or done.output).strip().splitlines() or ["Usage"]
    usage, end = said[0].startswith("Usage"), '"guard"' in said[0]
    if usage if words[0] == "ip" else end:
        return None
    return "only how it is used" if usage else said[0].strip()
