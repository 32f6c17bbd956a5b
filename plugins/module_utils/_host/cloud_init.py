# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether cloud-init writes this host's network configuration."""

from __future__ import annotations

import glob
import os
import re

from ansible_collections.hypervisor.network.plugins.module_utils._host import regular_file

_DISABLED = re.compile(
    r"^network:\s*(?:\{\s*|\n\s+)[\"']?config[\"']?:\s*[\"']?disabled\b", re.MULTILINE
)


def is_off(directory: str) -> bool:
    """Whether cloud-init, or its part for the network, is switched off (docs.cloud-init.io: disabling network configuration)."""
    if os.path.exists(os.path.join(directory, "cloud-init.disabled")):
        return True
    for path in (
        os.path.join(directory, "cloud.cfg"),
        *sorted(glob.glob(os.path.join(directory, "cloud.cfg.d", "*.cfg"))),
    ):
        if regular_file.is_file(path) and _DISABLED.search(
            regular_file.read_bytes(path).decode("utf-8", "replace")
        ):
            return True
    return False
