# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What can go wrong with images and drives, in sentences."""

from __future__ import annotations

from typing import NoReturn, Sequence, TypeVar

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    MissingDependency,
)

_Found = TypeVar("_Found")
_GOES_ON = "No data are lost; the next run of the task goes on where this one stopped."


def program(found: str | None) -> str:
    """The path of qemu-img. Raises MissingDependency."""
    if found is None:
        raise MissingDependency(
            "The program qemu-img is missing; install it with 'apt-get install qemu-utils'."
        )
    return found


def done(words: Sequence[str], status: int, errors: str) -> None:
    """Raise GuestError where qemu-img did not do what it was told with these words, the last of which is the image."""
    if status:
        why = " ".join(errors.split())[-500:] or f"it ended with {status}"
        raise GuestError(f"qemu-img cannot {words[0]} {words[-1]}: {why.rstrip('.')}.")


def unreadable(path: str, why: str) -> NoReturn:
    raise GuestError(
        f"The image {path} cannot be read as qcow2: {why}; look at it with 'qemu-img check'."
    )


def below(path: str, found: _Found | None) -> _Found:
    """What is below an overlay. Raises GuestError where that is gone."""
    if found is None:
        raise GuestError(
            f"The overlay {path} has nothing below it to be merged into, or QEMU has that not open; stop the guest with qemu_guest, and look with "
            "'qemu-img info' who changed it."
        )
    return found


def plugged(path: str, found: _Found | None) -> _Found:
    """The drive of a disk. Raises GuestError where QEMU has it no more."""
    if found is None:
        raise GuestError(
            f"The disk {path} was taken out of the guest meanwhile; run the task again."
        )
    return found


def failed(action: str, text: str) -> NoReturn:
    """Raise GuestError for a change of this action: what cannot be taken back says how it goes on."""
    raise GuestError(f"{text} {_GOES_ON}" if action in ("delete", "revert") else text)
