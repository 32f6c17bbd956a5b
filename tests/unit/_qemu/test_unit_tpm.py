# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units of a guest's TPM; what systemd's reader says of them is in test_unit_file.py, what they do is seen in tests/faults/test_h_systemd.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import unit_tpm

GOLDENS = Path(__file__).parents[1] / "fixtures" / "units"


def test_its_units_and_its_socket_are_the_guests() -> None:
    assert unit_tpm.units("vm-1") == [
        "hypervisor-network-tpm@vm-1.socket",
        "hypervisor-network-tpm@vm-1.service",
    ]
    assert (
        unit_tpm.socket_of("/run/hypervisor-network", "vm-1") == "/run/hypervisor-network/.vm-1.tpm"
    )
    assert "ListenStream=/run/hypervisor-network/.%i.tpm" in unit_tpm.SOCKET_TEXT


def test_a_guest_is_ended_with_none_of_its_own_will() -> None:
    """BindsTo= would end a guest whose TPM died."""
    assert [line.partition("=")[0] for line in unit_tpm.NEEDED] == ["Requires", "After"]
    for line in unit_tpm.NEEDED:
        assert line.partition("=")[2].split() == unit_tpm.units("%i")


@pytest.mark.parametrize(
    ("name", "text"),
    [("tpm.socket", unit_tpm.SOCKET_TEXT), ("tpm.service", unit_tpm.SERVICE_TEXT)],
)
def test_golden(name: str, text: str) -> None:
    """What it may see and do, and when it ends: each line that goes or changes is one on purpose."""
    assert text == (GOLDENS / name).read_text("utf-8").partition("\n")[2]


def test_the_socket_is_for_one_user() -> None:
    assert "[Socket]\nSocketUser=hypervisor-guest\n" in unit_tpm.drop_in("hypervisor-guest")
    assert "SocketMode=0600" in unit_tpm.SOCKET_TEXT.splitlines()
