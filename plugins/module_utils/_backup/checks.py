# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What can be wrong with a backup, in sentences."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.qcow2 import Header


def header(path: str, found: Header | None, base: str | None, base_format: str | None) -> None:
    """Raise GuestError where the header of a file is not as it was made."""
    wanted = (base, base_format if base is not None else None, None)
    if found is None or (found.backing_file, found.backing_format, found.data_file) != wanted:
        raise GuestError(
            f"The header of the backup {path} is not as it was made, so QEMU, or a guest that has broken out of it, wrote there what it should not; "
            "trust neither."
        )


def failed(text: str, ended: bool = False) -> None:
    """Raise GuestError for a backup that was not made; C(ended) says that QEMU ended in the middle."""
    if ended:
        raise GuestError(
            f"{text} What was there of backups before is whole, and the next one is full unless QEMU ended in order: only then it writes down what has changed."
        )
    raise GuestError(f"{text} What was there of backups before is whole, and the next one can be incremental still.")  # fmt: skip


def not_still(name: str, note: str) -> str:
    return f"The backup {name} is not consistent for the guest's file systems, only as after a power cut: {note}"
