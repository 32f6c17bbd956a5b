# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-core since 2.19 hands to a filter: containers that know their templar, which a deep copy would drag along."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible.template import Templar, trust_as_template

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import items, plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput


class Lazy(Mapping):
    """A mapping that must not be copied deeply, as Ansible's own are far too dear to copy."""

    def __init__(self, **values: Any) -> None:
        self._values = values

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __deepcopy__(self, _memo: dict) -> None:
        raise AssertionError("the templar of every item is copied")


class LazyList(list):
    """The same for a list."""

    __deepcopy__ = Lazy.__deepcopy__


GUEST = Lazy(
    name="vm1",
    memory=512,
    nics=LazyList([Lazy(tap="tap1", mac="52:54:00:00:00:01")]),
    disks=LazyList([Lazy(path="/srv/vm1.qcow2", format="qcow2")]),
)


def test_lazy_containers_are_never_copied_deeply() -> None:
    (guest,) = items.typed([GUEST], items.GUEST)
    assert guest["nics"] == [{**guest["nics"][0], "tap": "tap1", "mac": "52:54:00:00:00:01"}]
    assert not isinstance(guest["nics"], LazyList) and not isinstance(guest["nics"][0], Lazy)


def test_an_unknown_option_deep_within_a_lazy_item_is_still_named() -> None:
    with pytest.raises(Exception, match="has no option 'tapp'; did you mean 'tap'"):
        items.typed([Lazy(name="vm1", nics=LazyList([Lazy(tapp="tap1")]))], items.GUEST)


def test_what_ansible_itself_renders_lazily_is_planned_without_a_warning() -> None:
    variables = {
        "memory": 512,
        "guests": [
            {
                "name": f"vm{number}",
                "memory": trust_as_template("{{ memory }}"),
                "nics": [{"tap": f"tap{number}"}],
            }
            for number in range(20)
        ],
    }
    templar = Templar(loader=None, variables=variables)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wish = {"guests": templar.template(trust_as_template("{{ guests }}"))}
        found = plan.plan(**items.typed_all(wish))
    assert [guest["memory"] for guest in found["present"]["guests"]] == ["512"] * 20


PLACEHOLDER = "__omit_place_holder__1bd9fe1d441d3f402e50b3d29b4e4d0bd78cc9d1"


def _with_omit(omit: Any) -> dict[str, Any]:
    vlans = [{"vid": 5, "untagged": omit}, omit]
    tap = {"name": "tap1", "access_vlan": omit, "isolated": omit, "owner": omit, "vlans": vlans}
    return {"taps": [tap, omit], "bridges": omit}


def test_what_ansible_before_2_19_omits_is_left_out() -> None:
    assert items.plain(_with_omit(PLACEHOLDER)) == {
        "taps": [{"name": "tap1", "vlans": [{"vid": 5}]}]
    }
    (tap,) = items.typed_all(_with_omit(PLACEHOLDER))["taps"]
    assert sorted(tap) == ["name", "vlans"]


def test_what_ansible_itself_omits_is_left_out() -> None:
    template = trust_as_template("{{ nothing | default(omit) }}")
    templar = Templar(loader=None, variables={"wish": _with_omit(template)})
    wish = templar.template(trust_as_template("{{ [wish] }}"))[0]
    (tap,) = items.typed_all(wish)["taps"]
    assert sorted(tap) == ["name", "vlans"]


@pytest.mark.parametrize("item", ["vm1", None, 7, ["vm1"]])
def test_an_item_that_is_no_dictionary_is_refused_in_words(item: Any) -> None:
    with pytest.raises(BadInput, match="is no item: give each as a dictionary"):
        items.typed([item], items.GUEST)


def test_ports_that_are_there_are_found_whatever_the_names_of_variables() -> None:
    """On Python 3.12.1 a comprehension's variable hid a function of the same name in one expression with it."""
    now = [{"name": "br0", "options": {}, "ports": [{"name": "tap1"}]}]
    found = plan.plan([{"name": "br0"}], [{"name": "tap1", "bridge": "br0"}], [], now=now)
    assert found["present"]["ports"] == [{"name": "tap1", "bridge": "br0"}] and not found["new"]
