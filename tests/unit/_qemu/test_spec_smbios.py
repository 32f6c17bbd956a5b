# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guest finds in its SMBIOS tables."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec_smbios


def test_words_of_the_table_and_none_where_none_is_asked_for() -> None:
    asked = {**dict.fromkeys(spec_smbios.SYSTEM), "serial": "-s", "family": "a,b"}
    assert spec_smbios.system(asked, "smbios") == {"serial": "-s", "family": "a,b"}
    assert spec_smbios.system({}, "smbios") is None
    assert spec_smbios.credentials({}, "credentials") is None


@pytest.mark.parametrize("value", ["", "x" * 201, "ü" * 101, "a\nb", "a\0b"])
def test_a_word_that_does_not_fit(value: str) -> None:
    with pytest.raises(BadInput, match=r"^smbios\.serial"):
        spec_smbios.system({"serial": value}, "smbios")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a/b", "x"), ("..", "x"), ("-a", "x"), ("", "x"), ("a,b", "x"), ("a=b", "x"), ("a\n", "x"), ("x" * 101, "x"), (7, "x"), ("a", 7),
        ("a", None), ("a", "\0"), ("a", "x" * 4097),
    ],
)  # fmt: skip
def test_a_credential_that_is_none(name: Any, value: Any) -> None:
    with pytest.raises(BadInput, match="^credentials"):
        spec_smbios.credentials({name: value}, "credentials")


@pytest.mark.parametrize("value", ["", "a,type=2", "-x\ny", "\udcff", "ü", "x" * 4096])
def test_a_credential_may_hold_anything(value: str) -> None:
    found = spec_smbios.credentials({"my.key@1": value}, "credentials")
    option, told = spec_smbios.arguments({"credentials": found})
    name, _equals, text = told.partition("binary:")[2].partition("=")
    assert option == "-smbios" and "," not in text and name == "my.key@1"
    assert base64.b64decode(text) == value.encode("utf-8", "surrogatepass")


def test_a_comma_ends_no_word() -> None:
    spec = {"smbios": {"manufacturer": "A, B", "serial": "s,uuid=x"}, "credentials": None}
    assert spec_smbios.arguments(spec) == ["-smbios", "type=1,manufacturer=A,, B,serial=s,,uuid=x"]
    assert spec_smbios.arguments({}) == []
