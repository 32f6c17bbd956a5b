# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Where a disk holds something, out of what qemu-img tells of it, in pieces that are few enough to be said one by one."""

from __future__ import annotations

import json
from typing import Any

GRANULARITY = 64 * 1024  # bytes that a bit of a bitmap stands for
_MOST = 10_000


def found(told: str, size: int, most: int = _MOST) -> list[tuple[int, int]]:
    """The pieces of a disk of C(size) bytes that are not zeros, C((begin, length)), by the JSON of C(qemu-img map). Raises ValueError where it is none.

    They are whole bits of a bitmap. What lies between is said too where they would be more than C(most).
    """
    try:
        pieces = [
            (int(one["start"]), int(one["length"])) for one in _listed(told) if not one["zero"]
        ]
    except (TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError(f"that is no map of a disk: {error}") from None
    if any(begin < 0 or length < 0 or begin + length > size for begin, length in pieces):
        raise ValueError("there is something beyond the end of the disk")
    step = GRANULARITY
    while True:
        together = _together(sorted(pieces), step, size)
        if len(together) <= most:
            return together
        step *= 2


def _listed(told: str) -> list[Any]:
    value = json.loads(told)
    if not isinstance(value, list):
        raise ValueError("that is no map of a disk")
    return value


def _together(pieces: list[tuple[int, int]], step: int, size: int) -> list[tuple[int, int]]:
    """The pieces in whole steps, those that meet as one."""
    done: list[tuple[int, int]] = []
    for begin, length in pieces:
        first, end = begin // step * step, min(size, -(-(begin + length) // step) * step)
        if done and first <= done[-1][1]:
            done[-1] = (done[-1][0], max(end, done[-1][1]))
        elif first < end:
            done.append((first, end))
    return [(begin, end - begin) for begin, end in done]
