# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of stanzas: wishes against the files that ifupdown reads. A plan applied leaves nothing to plan."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    HypervisorNetworkError,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import (
    Files,
    Restore,
    diff,
    files,
    flat,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.plan import (
    notes,
    plan,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import checked

ITEM: dict[str, Any] = {
    "name": "br0", "state": "present", "family": None, "method": None, "options": None, "auto": None, "allow_hotplug": None,
    "take_over": None, "hand_back": None, "file": None,
}  # fmt: skip
ROOT = "/etc/network/interfaces"
MORE = "/etc/network/interfaces.d/more"
LO = "auto lo\niface lo inet loopback\n"


def edited(text: str | dict[str, str], *items: dict[str, Any], **more: Any) -> Any:
    """The text (or the texts by path) after the plan of some items; fails where a second plan is not empty."""
    texts = {ROOT: text} if isinstance(text, str) else text
    wishes = [checked({**ITEM, **item}) for item in items]
    after = dict(texts)
    for path, change in files(plan(Files(ROOT, texts, **more), wishes)):
        assert change.old == texts.get(path)
        after[path] = change.new or ""
    assert plan(Files(ROOT, after, **more), wishes) == []
    return after[ROOT] if isinstance(text, str) else after


def test_a_stanza_that_is_missing_is_put_at_the_end() -> None:
    item = {
        "method": "static",
        "auto": True,
        "options": {"address": "192.0.2.2/24", "bridge_ports": "eth0", "bridge_stp": False},
    }
    assert edited(LO, item) == LO + (
        "\nauto br0\niface br0 inet static\n    address 192.0.2.2/24\n    bridge_ports eth0\n    bridge_stp off\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        LO,
        LO + "\n",
        "# only a comment\n",
        LO + "\niface x inet manual\n\tmtu 9000\n",
        LO + "# end",
    ],
)
def test_a_stanza_that_was_made_and_removed_leaves_the_file_as_it_was(text: str) -> None:
    made = edited(
        text,
        {
            "method": "manual",
            "auto": True,
            "allow_hotplug": True,
            "options": {"bridge_ports": "none"},
        },
    )
    assert edited(made, {"state": "absent"}) == text


@pytest.mark.parametrize(
    ("text", "item", "after"),
    [
        # nothing given, nothing done
        ("iface br0 inet dhcp\n", {}, None),
        ("iface br0 inet dhcp\n", {"method": "dhcp", "options": {"mtu": None}}, None),
        # given keys are compared, others stay
        (
            "iface br0 inet manual\n mtu 9\n foo bar\n",
            {"options": {"mtu": 1500}},
            "iface br0 inet manual\n mtu 1500\n foo bar\n",
        ),
        (
            "iface br0 inet manual\n mtu 9\n foo bar\n",
            {"options": {"mtu": ""}},
            "iface br0 inet manual\n foo bar\n",
        ),
        ("iface br0 inet manual\n mtu 9\n", {"options": {"metric": ""}}, None),
        # the same in another spelling
        (
            "iface br0 inet manual\n bridge-ports  eth0\teth1\n",
            {"options": {"bridge_ports": "eth0 eth1"}},
            None,
        ),
        ("iface br0 inet manual\n post-up a\n", {"options": {"up": "a"}}, None),
        (
            "iface br0 inet static\n address 192.0.2.2\n netmask 255.255.255.0\n",
            {"options": {"address": "192.0.2.2/24"}},
            None,
        ),
        (
            "iface br0 inet6 static\n address 2001:DB8:0::2/64\n",
            {"family": "inet6", "options": {"address": "2001:db8::2/64"}},
            None,
        ),
        (
            "iface br0 inet static\n address 192.0.2.2/255.255.255.0\n",
            {"options": {"address": "192.0.2.2/24"}},
            None,
        ),
        # another address: what belonged to the old one goes
        (
            "iface br0 inet static\n address 192.0.2.2\n netmask 255.255.255.0\n broadcast 192.0.2.255\n gateway 192.0.2.1\n",
            {"options": {"address": "198.51.100.2/24"}},
            "iface br0 inet static\n address 198.51.100.2/24\n gateway 192.0.2.1\n",
        ),
        # hooks keep their order, and are exactly the given ones
        (
            "iface br0 inet manual\n up a\n up b\n",
            {"options": {"up": ["b", "a"]}},
            "iface br0 inet manual\n up b\n up a\n",
        ),
        (
            "iface br0 inet manual\n up a\n up b\n",
            {"options": [["up", "a"]]},
            "iface br0 inet manual\n up a\n",
        ),
        # several addresses are several stanzas
        (
            "iface br0 inet static\n address 192.0.2.2/24\n gateway 192.0.2.1\n\n# end\n",
            {"options": {"address": ["192.0.2.2/24", "192.0.2.3/24"]}},
            "iface br0 inet static\n address 192.0.2.2/24\n gateway 192.0.2.1\n\niface br0 inet static\n address 192.0.2.3/24\n\n# end\n",
        ),
        (
            "iface br0 inet static\n address 192.0.2.2/24\n\niface br0 inet static\n address 192.0.2.3/24\n",
            {"options": {"address": ["192.0.2.3/24"]}},
            "iface br0 inet static\n address 192.0.2.3/24\n",
        ),
        # method
        (
            "iface  br0 inet   manual inherits t\n",
            {"method": "dhcp"},
            "iface  br0 inet   dhcp inherits t\n",
        ),
        ("iface br0 inet inherits t\n", {"method": "dhcp"}, "iface br0 inet dhcp inherits t\n"),
        # auto and allow-hotplug
        (
            "# my bridge\niface br0 inet dhcp\n",
            {"auto": True},
            "# my bridge\nauto br0\niface br0 inet dhcp\n",
        ),
        ("auto lo br0\niface br0 inet dhcp\n", {"auto": True}, None),
        ("iface br0 inet dhcp\n auto\n", {"auto": True}, None),
        ("auto lo br0\niface br0 inet dhcp\n", {"auto": False}, "auto lo\niface br0 inet dhcp\n"),
        (
            "allow-hotplug br0\niface br0 inet dhcp\n",
            {"allow_hotplug": False, "auto": True},
            "auto br0\niface br0 inet dhcp\n",
        ),
        # absent: one family, or all
        (
            "auto br0\niface br0 inet dhcp\n\niface br0 inet6 auto\n",
            {"state": "absent", "family": "inet"},
            "auto br0\n\niface br0 inet6 auto\n",
        ),
        (
            "auto lo br0\niface br0 inet dhcp\n\niface br0 inet6 auto\n",
            {"state": "absent"},
            "auto lo\n",
        ),
        ("iface br1 inet dhcp\n", {"state": "absent"}, None),
        # bytes around it, and no line end at the end
        (
            "# \udc80\r\niface br0 inet dhcp",
            {"options": {"mtu": 1400}},
            "# \udc80\r\niface br0 inet dhcp\n    mtu 1400",
        ),
    ],
)
def test_an_edit_touches_only_its_lines(text: str, item: dict[str, Any], after: str | None) -> None:
    assert edited(text, item) == (text if after is None else after)


@pytest.mark.parametrize(
    ("texts", "item", "words"),
    [
        ({ROOT: LO}, {}, ["method"]),
        ({ROOT: LO}, {"method": "static"}, ["address"]),
        (
            {ROOT: "iface br0 inet dhcp\n", MORE: "\niface br0 inet manual\n"},
            {"auto": True},
            [f"{ROOT}:1", f"{MORE}:2"],
        ),
        (
            {ROOT: "iface br0 inet dhcp\n", MORE: "\niface br0 inet manual\n"},
            {"state": "absent"},
            [f"{ROOT}:1", f"{MORE}:2"],
        ),
        ({ROOT: "iface br0\n mtu 1400\n"}, {"method": "dhcp"}, ["ifupdown2"]),
        ({ROOT: "iface br0 inet dhcp\n # \0\n"}, {"options": {"mtu": 1400}}, ["NUL"]),
        ({ROOT: LO}, {"method": "manual", "file": "/etc/network/br0"}, ["source"]),
        (
            {ROOT: LO, "/etc/network/interfaces.d/50-cloud-init": "iface br0 inet dhcp\n"},
            {"auto": True},
            ["cloud-init", "disabled"],
        ),
        ({ROOT: LO}, {"take_over": "eth0"}, ["eth0", "method"]),
        ({ROOT: "iface eth0 inet manual\n"}, {"take_over": "eth0"}, ["eth0", "method"]),
        ({ROOT: "iface eth0 inet ppp\n"}, {"take_over": "eth0"}, ["ppp", f"{ROOT}:1"]),
        ({ROOT: "iface eth0 inherits t\n"}, {"take_over": "eth0"}, ["family"]),
        (
            {ROOT: "mapping eth*\n script /x\niface eth0 inet dhcp\n"},
            {"take_over": "eth0"},
            ["mapping", f"{ROOT}:1"],
        ),
        (
            {ROOT: "iface eth0 inet dhcp\n", MORE: "iface eth0 inet static\n"},
            {"take_over": "eth0"},
            [f"{ROOT}:1", f"{MORE}:1"],
        ),
        (
            {ROOT: "iface eth0 inet dhcp\niface br0 inet dhcp\n"},
            {"take_over": "eth0"},
            ["Both eth0", "br0"],
        ),
        (
            {ROOT: "iface eth0 inet dhcp\niface br1 inet manual\n bridge_ports eth0\n"},
            {"take_over": "eth0"},
            ["port of br1", f"{ROOT}:3"],
        ),
        (
            {ROOT: "iface eth0 inet dhcp\n"},
            {"take_over": "eth0", "options": {"bridge_ports": "eth1"}},
            ["bridge_ports"],
        ),
        (
            {ROOT: "iface br0 inet dhcp\n bridge_ports eth1\n"},
            {"state": "absent", "hand_back": "eth0"},
            ["no port", "eth1"],
        ),
        (
            {ROOT: "iface eth0 inet dhcp\n\niface br0 inet dhcp\n bridge_ports eth0\n"},
            {"state": "absent", "hand_back": "eth0"},
            [f"{ROOT}:1"],
        ),
    ],
)
def test_what_cannot_be_done_right_is_refused_with_file_and_line(
    texts: dict[str, str], item: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(HypervisorNetworkError) as caught:
        edited(texts, item)
    message = str(caught.value)
    assert [word for word in words if word not in message] == []
    assert "\n" not in message


def test_a_stanza_is_edited_in_the_file_where_it_stands() -> None:
    texts = {ROOT: f"source interfaces.d/*\n{LO}", MORE: "iface br0 inet dhcp\n"}
    after = edited(texts, {"options": {"mtu": 1400}}, {"name": "eth9", "method": "manual"})
    assert after == {
        ROOT: f"{texts[ROOT]}\niface eth9 inet manual\n",
        MORE: "iface br0 inet dhcp\n    mtu 1400\n",
    }


def test_another_family_of_a_name_stands_beside_the_first() -> None:
    texts = {ROOT: LO, MORE: "iface br0 inet dhcp\n mtu 9\n\n# end\n"}
    after = edited(texts, {"family": "inet6", "method": "auto"})
    assert after[MORE] == "iface br0 inet dhcp\n mtu 9\n\niface br0 inet6 auto\n\n# end\n"


@pytest.mark.parametrize(
    ("opening", "path", "taken"),
    [
        (("source", "/etc/network/interfaces.d/*"), "/etc/network/interfaces.d/br0.cfg", True),
        (("source", "/etc/network/interfaces.d/*"), "/etc/network/interfaces.d/a/b", False),
        (("source", "/etc/network/interfaces.d/*"), "/etc/network/interfaces.d/.br0", False),
        (("source-directory", "/etc/network/interfaces.d"), "/etc/network/interfaces.d/br0", True),
        (
            ("source-directory", "/etc/network/interfaces.d"),
            "/etc/network/interfaces.d/br0.cfg",
            False,
        ),
    ],
)
def test_a_new_file_must_be_one_that_ifupdown_reads(
    opening: tuple[str, str], path: str, taken: bool
) -> None:
    item = {"method": "manual", "file": path}
    if taken:
        assert edited({ROOT: LO}, item, openings=[opening])[path] == "iface br0 inet manual\n"
    else:
        with pytest.raises(HypervisorNetworkError, match="source"):
            edited({ROOT: LO}, item, openings=[opening])


def test_cloud_inits_file_is_edited_where_its_network_part_is_disabled() -> None:
    path = "/etc/network/interfaces.d/50-cloud-init"
    assert (
        edited({ROOT: LO, path: "iface br0 inet dhcp\n"}, {"auto": True}, cloud_init=False)[path]
        == "auto br0\niface br0 inet dhcp\n"
    )


def test_all_edits_of_a_file_are_one_change_of_it() -> None:
    wishes = [checked({**ITEM, "name": name, "method": "manual"}) for name in ("a", "b", "c")]
    changes = plan(Files(ROOT, {ROOT: LO}), wishes)
    assert [str(change) for change in changes] == [
        "create stanza a inet", "create stanza b inet", "create stanza c inet", f"update file {ROOT}",
    ]  # fmt: skip
    assert diff(changes) == [
        {
            "before_header": ROOT,
            "after_header": ROOT,
            "before": LO,
            "after": f"{LO}\niface a inet manual\n\niface b inet manual\n\niface c inet manual\n",
        }
    ]


def test_a_change_of_a_stanza_tells_only_what_differs() -> None:
    changes = plan(
        Files(ROOT, {ROOT: "iface br0 inet dhcp\n mtu 9\n"}),
        [checked({**ITEM, "method": "manual"})],
    )
    assert changes[0].as_dict() == {
        "action": "update", "kind": "stanza", "name": "br0 inet", "before": {"method": "dhcp"}, "after": {"method": "manual"}, "risk": "safe",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("now", "restored"),
    [
        ({ROOT: "ours"}, {ROOT: "old"}),
        ({ROOT: "old"}, {}),
        ({ROOT: "somebody else's"}, {}),
        ({}, {}),
    ],
)
def test_the_undo_takes_back_what_is_ours_and_nothing_else(
    now: dict[str, str], restored: dict[str, str]
) -> None:
    changes = plan(Files(ROOT, now), Restore({ROOT: ("ours", "old")}))
    assert {path: texts.new for path, texts in files(changes)} == restored
    assert not any(texts.keep for _path, texts in files(changes)), "what we wrote needs no backup"


def test_the_undo_of_a_new_file_is_its_removal() -> None:
    changes = plan(Files(ROOT, {ROOT: "", MORE: "ours"}), Restore({MORE: ("ours", None)}))
    assert [(str(change), change.payload.new) for change in changes] == [
        (f"delete file {MORE}", None)
    ]


def test_the_text_for_ifupdowns_own_check_has_each_file_where_it_is_sourced() -> None:
    texts = {ROOT: "source t\niface eth0 inet dhcp inherits t", MORE: "iface t inet dhcp"}
    now = Files(ROOT, texts, {ROOT: [[MORE]], MORE: []})
    assert flat(now, [])[0] == "iface t inet dhcp\niface eth0 inet dhcp inherits t\n"


def test_a_stanza_that_inherits_its_method_does_not_get_another_by_the_way() -> None:
    text = "iface base inet dhcp\niface eth3 inherits base\n"
    with pytest.raises(HypervisorNetworkError, match="inherits its method dhcp from base"):
        edited({ROOT: text}, {"name": "eth3", "method": "manual"})


def test_an_option_of_ifupdown2_is_told_where_that_is_not_there() -> None:
    item = checked({**ITEM, "method": "manual", "options": {"bridge-mcsnoop": 0}})
    (sentence,) = notes(Files(ROOT, {ROOT: ""}), [item])
    assert "'bridge-mcsnoop' is ifupdown2's" in sentence
    assert notes(Files(ROOT, {ROOT: ""}, ifupdown2=True), [item]) == []
