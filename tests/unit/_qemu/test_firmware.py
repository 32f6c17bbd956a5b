# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which firmware fits a machine, of what the packages of Debian describe, and of what nobody should have written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.firmware import (
    Firmware,
    check_store,
    choose,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.firmware import (
    there as present,
)


def described(
    name: str, *features: str, arch: str = "x86_64", machines: tuple[str, ...] = ("pc-q35-*",)
) -> dict[str, Any]:
    """As the packages write it."""
    return {
        "interface-types": ["uefi"],
        "mapping": {
            "device": "flash",
            "executable": {"filename": f"/{name}.fd", "format": "raw"},
            "nvram-template": {"filename": f"/{name}.vars", "format": "raw"},
        },
        "targets": [{"architecture": arch, "machines": list(machines)}],
        "features": ["acpi-s3", *features],
    }


ENROLLED = described("ms", "enrolled-keys", "requires-smm", "secure-boot")
EMPTY = described("secboot", "requires-smm", "secure-boot")
PLAIN = described("plain", machines=("pc-i440fx-*", "pc-q35-*"))
# Debian 12 describes the first, and its package does not bring the file
ARM_SECURE = described(
    "arm-secure", "enrolled-keys", "secure-boot", arch="aarch64", machines=("virt-*",)
)
ARM = described("arm", arch="aarch64", machines=("virt-*",))
DEBIAN = [ENROLLED, EMPTY, PLAIN, ARM_SECURE, ARM]


def spec(
    machine: str, secure: bool = False, emulator: str = "qemu-system-x86_64"
) -> dict[str, Any]:
    return {"emulator": emulator, "machine": machine, "secure_boot": secure}


def chosen(
    *wanted: Any, there: tuple[str, ...] = ("/ms", "/secboot", "/plain", "/arm.")
) -> Firmware:
    return choose(present(DEBIAN, lambda path: path.startswith(there)), spec(*wanted))


@pytest.mark.parametrize(
    ("wanted", "code", "smm"),
    [
        (("pc",), "/plain.fd", False),
        (("q35",), "/plain.fd", False),
        (("pc-i440fx-7.2",), "/plain.fd", False),
        (("q35", True), "/ms.fd", True),
        (("pc-q35-7.2", True), "/ms.fd", True),
        (("virt", False, "qemu-system-aarch64"), "/arm.fd", False),
    ],
)
def test_the_first_that_fits(wanted: tuple[Any, ...], code: str, smm: bool) -> None:
    found = chosen(*wanted)
    assert (found.code, found.template, found.smm) == (code, code.replace(".fd", ".vars"), smm)


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        (("pc", True), "with Secure Boot and enrolled keys of this host is for pc-q35-*, and the machine is pc; say machine: q35."),
        (("microvm",), "is for pc-i440fx-* and pc-q35-*"),
        (("virt", True, "qemu-system-aarch64"), "apt-get install qemu-efi-aarch64"),
        (("sbsa-ref", False, "qemu-system-aarch64"), "say machine: virt."),
        (("pseries", False, "qemu-system-ppc64"), "for ppc64 on this host; leave firmware out."),
    ],
)  # fmt: skip
def test_none_that_fits(wanted: tuple[Any, ...], part: str) -> None:
    with pytest.raises(Refused) as caught:
        chosen(*wanted)
    assert part in str(caught.value)


def test_a_description_whose_files_are_not_there_is_passed_over() -> None:
    with pytest.raises(Refused, match="apt-get install ovmf"):
        chosen("q35", there=("/plain.fd",))


@pytest.mark.parametrize(
    "one",
    [
        {**PLAIN, "interface-types": ["bios"]},
        {**PLAIN, "mapping": {"device": "memory", "filename": "/plain.fd"}},
        {**PLAIN, "mapping": {**PLAIN["mapping"], "mode": "stateless"}},
        {**PLAIN, "mapping": {**PLAIN["mapping"], "executable": {"filename": 7, "format": "raw"}}},
        {**PLAIN, "targets": [7, {"architecture": "x86_64", "machines": [7]}]},
        {**PLAIN, "mapping": []},
        None,
        [],
    ],
)
def test_a_description_of_another_form_is_passed_over(one: Any) -> None:
    assert choose([one, PLAIN], spec("pc")).code == "/plain.fd"
    with pytest.raises(Refused):
        choose([one], spec("pc"))


_JSON = st.recursive(st.none() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one))  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted(PLAIN)), _JSON))
def test_whatever_a_description_holds_it_stops_nothing(one: dict[str, Any]) -> None:
    assert choose([one, PLAIN], spec("pc")).code == "/plain.fd"


def test_a_store_of_the_firmwares_own_size() -> None:
    check_store("vm1", "/store", 540672, "/code", 540672)
    with pytest.raises(Refused, match="has 131072 bytes"):
        check_store("vm1", "/store", 131072, "/code", 540672)
