# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The switch by which cloud-init leaves the network alone: a file for each bridge, so that the way back of one leaves that of another.

Source: docs.cloud-init.io, disabling network configuration.
"""

from __future__ import annotations

FOLDER = "cloud.cfg.d"  # below cloud-init's own
PATTERN = "99-hypervisor-network-*.cfg"


def name(bridge: str) -> str:
    """The file's name."""
    return PATTERN.replace("*", bridge)


def text(bridge: str) -> str:
    """What it says."""
    return f"# hypervisor.network: the network of {bridge} is written down, and stays as it is\nnetwork: {{config: disabled}}\n"
