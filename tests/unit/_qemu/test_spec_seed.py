# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of a seed, and what is in its files."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_seed import (
    checked,
    fingerprint,
    ignored,
)


def asked(**given: Any) -> tuple[dict[str, Any], dict[str, str]]:
    said, seed = checked(given)
    assert said is not None and seed is not None
    return said, dict(seed.files)


def network(*routes: dict[str, Any]) -> dict[str, Any]:
    return {"version": 2, "ethernets": {"eth0": {"routes": list(routes)}}}


def test_nothing_asked_for_is_no_seed() -> None:
    assert checked({}) == checked({"user_data": None, "meta_data": None}) == (None, None)


def test_the_files_that_the_data_source_wants_are_always_there() -> None:
    _said, files = asked(meta_data={"local-hostname": "vm1"})
    assert set(files) == {"user-data", "meta-data"}
    assert files["user-data"].startswith("#cloud-config\n")
    assert yaml.safe_load(files["meta-data"])["local-hostname"] == "vm1"


def test_a_definition_holds_no_user_data_and_neither_does_a_representation() -> None:
    said, seed = checked({"user_data": "#cloud-config\npassword: hunter2\n"})
    assert "hunter2" not in json.dumps(said) + repr(seed)
    assert said is not None and said["user_data"].startswith("sha256:")


@pytest.mark.parametrize(
    "other",
    [
        {"user_data": "#!/bin/sh\nfalse\n"},
        {"meta_data": {"local-hostname": "b"}},
        {"network_config": network()},
    ],
)
def test_another_seed_is_another_instance(other: dict[str, Any]) -> None:
    first, _files = asked(user_data="#!/bin/sh\n")
    second, _files = asked(**{"user_data": "#!/bin/sh\n", **other})
    assert first["meta_data"]["instance-id"] != second["meta_data"]["instance-id"]
    assert fingerprint(first) != fingerprint(second) and ignored(first, second) is None


def test_the_same_seed_is_the_same_instance_whatever_the_order() -> None:
    first, _files = asked(meta_data={"a": 1, "b": {"c": 2, "d": 3}})
    second, _files = asked(meta_data={"b": {"d": 3, "c": 2}, "a": 1})
    assert first == second and fingerprint(first) == fingerprint(second)


def test_a_changed_seed_of_the_same_instance_is_told() -> None:
    own = {"meta_data": {"instance-id": "web-1"}}
    first, _files = asked(user_data="#!/bin/sh\n", **own)
    second, _files = asked(user_data="#!/bin/sh\nfalse\n", **own)
    assert ignored(first, second) == "web-1"
    assert ignored(first, first) is ignored(None, first) is ignored(first, None) is None


@pytest.mark.parametrize(
    ("route", "to"),
    [
        ({"to": "default", "via": "10.0.0.1"}, "0.0.0.0/0"),
        ({"to": "default", "via": "fe80::1"}, "::/0"),
        ({"to": "default"}, "0.0.0.0/0"),
        ({"to": "10.1.0.0/16", "via": "10.0.0.1"}, "10.1.0.0/16"),
    ],
)
def test_a_default_route_is_written_in_numbers(route: dict[str, Any], to: str) -> None:
    said, files = asked(network_config=network(route))
    assert said["network_config"]["ethernets"]["eth0"]["routes"][0]["to"] == to
    written = yaml.safe_load(files["network-config"])
    assert written["ethernets"]["eth0"]["routes"] == [{**route, "to": to}]


@pytest.mark.parametrize(
    "text",
    [
        "#cloud-config\n{}",
        "\n#cloud-config",
        "#!/bin/sh",
        "## template: jinja\n",
        "Content-Type: multipart/mixed",
    ],
)
def test_user_data_that_cloud_init_knows(text: str) -> None:
    assert asked(user_data=text)[1]["user-data"] == text


@pytest.mark.parametrize(
    ("given_", "part"),
    [
        ({"user_data": "{'hostname': 'vm1'}"}, "would be passed over"),
        ({"user_data": ""}, "would be passed over"),
        ({"network_config": {"ethernets": {}}}, "version: 2"),
        ({"network_config": {"version": 3}}, "version: 2"),
        ({"meta_data": {"instance-id": " "}}, "instance-id"),
        ({"meta_data": {"instance-id": 7}}, "instance-id"),
    ],
)
def test_a_seed_that_is_refused(given_: dict[str, Any], part: str) -> None:
    with pytest.raises(BadInput, match=part) as caught:
        checked(given_)
    assert str(caught.value).startswith("cloud_init.") and "hostname" not in str(caught.value)


def test_a_network_config_with_its_outer_key() -> None:
    assert asked(network_config={"network": network()})[0]["network_config"]["network"]


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=3))
def test_whatever_text_there_is_a_reader_of_yaml_finds_it_again(meta_data: dict[str, str]) -> None:
    meta_data.pop("instance-id", None)
    _said, files = asked(meta_data=meta_data)
    found = yaml.safe_load(files["meta-data"])
    assert {key: found[key] for key in meta_data} == meta_data
