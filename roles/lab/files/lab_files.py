# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make folders and files, all in one run: a module for each would be most of the time that building the lab takes.

A list of C({path, mode, content, owner, group}) comes as JSON by standard input: C(mode) in octal digits, C(owner) and C(group) as numbers, by
themselves root's. One without C(content) is a folder, its missing parents are made too; with C(keep) what is in a file stays. Prints the path of each
that was made or changed.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any


def made(wish: dict[str, Any]) -> bool:
    """Make one, and tell whether it was another before. Raises OSError."""
    path = Path(wish["path"])
    changed = not os.path.lexists(path)
    if "content" not in wish:
        path.mkdir(parents=True, exist_ok=True)
    elif changed or (not wish.get("keep") and path.read_text(encoding="utf-8") != wish["content"]):
        _write(path, wish["content"])
        changed = True
    return _belongs(path, wish) or changed


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and nobody's but root's until it is given away."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(beside, path)


def _belongs(path: Path, wish: dict[str, Any]) -> bool:
    now = path.lstat()
    mode, ids = int(wish["mode"], 8), (wish.get("owner", 0), wish.get("group", 0))
    if (stat.S_IMODE(now.st_mode), now.st_uid, now.st_gid) == (mode, *ids):
        return False
    os.chown(path, *ids, follow_symlinks=False)
    path.chmod(mode)
    return True


if __name__ == "__main__":
    os.umask(0o022)  # of parents that nobody named
    for one in json.load(sys.stdin):
        if made(one):
            print(one["path"])
