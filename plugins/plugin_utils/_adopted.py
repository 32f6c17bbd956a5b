# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A host as it is, as a file of its variables, which is known again by a sum as long as nobody has changed it."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Mapping

import yaml

_MARK = "# Written by hypervisor.network.adopt, which takes care of it as long as nobody else does: sha256 "
_OURS = re.compile(rf"\A(?:---\n)?{re.escape(_MARK)}([0-9a-f]{{64}})\n(.*)\Z", re.DOTALL)
_WIDTH = 160
SAME, SOMEBODYS = "it says so already", "somebody wrote it"


def adopted(variables: Mapping[str, Any], file: str | None, overwrite: bool) -> dict[str, Any]:
    """C(text), C(write) and C(why) not; C(file) is the text that is there, None where there is no file."""
    text = written(variables)
    why = None
    if file == text:
        why = SAME
    elif file is not None and not overwrite and not is_ours(file):
        why = SOMEBODYS
    return {"text": text, "write": why is None, "why": why}


def written(variables: Mapping[str, Any]) -> str:
    """The text of the file. Names and aliases are quoted where YAML would make something else of them."""
    body = yaml.safe_dump(dict(variables), sort_keys=False, allow_unicode=True, width=_WIDTH)
    return f"---\n{_MARK}{_sum(body)}\n{body}"


def is_ours(text: str) -> bool:
    """Whether the file is as it was written here."""
    found = _OURS.match(text)
    return found is not None and _sum(found[2]) == found[1]


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
