# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program in a namespace whose own network it takes for the host's, with other files below /run and /etc: C(faked.py NETNS FOLDER PROGRAM...).

FOLDER/run stands in for /run, FOLDER/etc lies over /etc. Nobody else sees either: the mounts are the program's own, and go with it.
"""

from __future__ import annotations

import ctypes
import os
import sys

from netns import enter

_CLONE_NEWNS, _MS_REC_PRIVATE, _MS_BIND, _MS_RDONLY = 0x20000, 0x4000 | 0x40000, 0x1000, 0x1
_LIBC = ctypes.CDLL(None, use_errno=True)


def _mount(
    source: str, target: str, kind: str | None, flags: int, options: str | None = None
) -> None:
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
    if _LIBC.mount(*words, flags, None if options is None else os.fsencode(options)):
        number = ctypes.get_errno()
        raise OSError(number, f"cannot mount {source} on {target}: {os.strerror(number)}")


def main(netns: str, folder: str, *program: str) -> None:
    enter(netns)
    if _LIBC.unshare(_CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "no mounts of its own")
    _mount("none", "/", None, _MS_REC_PRIVATE)
    _mount("overlay", "/etc", "overlay", _MS_RDONLY, f"lowerdir={folder}/etc:/etc")
    _mount(f"{folder}/run", "/run", None, _MS_BIND)
    os.execvp(program[0], program)


if __name__ == "__main__":
    main(*sys.argv[1:])
