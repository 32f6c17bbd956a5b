# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of interfaces(5) and their changes, as a module returns them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import (
    files as stanza_files,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import Document
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import Files, Texts
from ansible_collections.hypervisor.network.tests.harness.model.stanzas import MORE, ROOT

BR0 = "auto br0\niface br0 inet dhcp\n    bridge_ports eth0\n"


def docs(text: str) -> dict[str, Document]:
    return {ROOT: Document(text)}


def test_a_change_of_a_file_tells_its_texts_by_their_hashes_only() -> None:
    made, gone, edited = (
        stanza_files.file_change(ROOT, Texts(*texts))
        for texts in ((None, "a"), ("a", None), ("a", "b"))
    )
    assert [one.action for one in (made, gone, edited)] == ["create", "delete", "update"]
    assert edited.payload.keep, "a backup is made where nobody says otherwise"
    assert made.before is None and gone.after is None and made.after == gone.before == edited.before
    assert made.after == {
        "sha256": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    }
    assert [path for path, _texts in stanza_files.files([made, gone])] == [ROOT, ROOT]
    assert stanza_files.Restore({ROOT: ("b", "a")}).texts == {ROOT: ("b", "a")}


def test_a_stanza_is_described_with_how_it_comes_up() -> None:
    told = stanza_files.described(docs(BR0), "br0", None)
    assert told == {
        "name": "br0", "family": "inet", "state": "present", "method": "dhcp", "file": ROOT, "options": [["bridge_ports", "eth0"]],
        "auto": True, "allow_hotplug": False,
    }  # fmt: skip
    gone = stanza_files.described(docs(BR0), "br1", "inet6")
    assert (gone["state"], gone["family"], gone["method"], gone["file"]) == (
        "absent",
        "inet6",
        None,
        None,
    )


def test_what_changed_is_told_stanza_by_stanza() -> None:
    before, after = docs(BR0), docs(BR0.replace("dhcp", "manual") + "\niface eth1 inet manual\n")
    edited, made = stanza_files.told(before, after)
    assert (edited.action, edited.name, edited.before, edited.after) == (
        "update", "br0 inet", {"method": "dhcp"}, {"method": "manual"},
    )  # fmt: skip
    assert (made.action, made.name, made.before) == ("create", "eth1 inet", None)
    assert [change.action for change in stanza_files.told(after, docs(""))] == ["delete", "delete"]
    assert stanza_files.told(before, before) == []
    more = docs(f"{BR0}iface eth1 inet dhcp\n")
    assert [change.name for change in stanza_files.told(docs(BR0), more)] == ["eth1 inet"]


def test_bytes_that_are_no_utf_8_are_readable_for_people() -> None:
    assert (
        stanza_files.readable(b"gr\xfc\xdfe".decode("utf-8", "surrogateescape"))
        == "gr\ufffd\ufffde"
    )


def test_the_diff_has_each_file_before_and_after() -> None:
    changes = [
        stanza_files.file_change(ROOT, Texts("a\n", "b\n")),
        stanza_files.file_change(MORE, Texts(None, "c\n")),
    ]
    assert stanza_files.diff(changes) == [
        {"before_header": ROOT, "after_header": ROOT, "before": "a\n", "after": "b\n"},
        {"before_header": MORE, "after_header": MORE, "before": "", "after": "c\n"},
    ]


def test_as_ifupdown_reads_it_each_file_stands_where_it_is_sourced() -> None:
    now = Files(
        ROOT,
        {ROOT: "auto lo\nsource interfaces.d/*\nauto br0\n", MORE: "auto eth0"},
        {ROOT: [[MORE]], MORE: []},
    )
    text, places = stanza_files.flat(now, [])
    assert text == "auto lo\nauto eth0\nauto br0\n"
    assert places[1].startswith(MORE) and places[2].startswith(ROOT)
    unsourced = Files(ROOT, {ROOT: "auto lo\n", MORE: "auto eth0\n"})
    assert stanza_files.flat(unsourced, [])[0] == "auto lo\nauto eth0\n"


def test_each_line_of_one_that_goes_on_has_its_place() -> None:
    now = Files(ROOT, {ROOT: "auto lo \\\n  br0\nauto eth0\n"})
    assert stanza_files.flat(now, [])[1] == [f"{ROOT}:1", f"{ROOT}:2", f"{ROOT}:3"]


def test_lines_have_their_places_in_a_file_of_many_that_are_alike() -> None:
    """All compared with all would be 400 million."""
    many = "# a line\n" * 20000
    now = Files(ROOT, {ROOT: f"{many}auto eth0\n# old\n{many}"})
    new = Texts(now.texts[ROOT], f"{many}auto eth0\nauto br0\n{many}")
    _text, places = stanza_files.flat(now, [stanza_files.file_change(ROOT, new)])
    assert places[19999:20001] == [f"{ROOT}:20000", f"{ROOT}:20001"]
    assert places[20001] == f"the new line 'auto br0' of {ROOT}"
    assert places[20002:20004] == [f"{ROOT}:20003", f"{ROOT}:20004"]
    assert places[40001] == f"{ROOT}:40002"


@pytest.mark.parametrize(
    ("before", "after", "places"),
    [
        ("A B", "B A", [2, 1]),
        ("A B", "A N B", [1, None, 2]),
        ("H X D T", "H N D M T", [1, None, 3, None, 4]),
        ("A T T", "B T T T", [None, None, 2, 3]),
        ("A B D D A B", "D Y A B", [3, None, 5, 6]),
        ("A" + " T" * 250 + " Z", "B" + " T" * 250 + " Y", [None, *range(2, 252), None]),
    ],
    ids=["swapped", "inserted", "edited twice", "one more", "fewer", "many between"],
)
def test_a_line_that_stays_has_the_place_where_it_was(
    before: str, after: str, places: list[int | None]
) -> None:
    old, new = ("".join(f"# {word}\n" for word in text.split()) for text in (before, after))
    change = stanza_files.file_change(ROOT, Texts(old, new))
    assert stanza_files.flat(Files(ROOT, {ROOT: old}), [change])[1] == [
        f"the new line '# {word}' of {ROOT}" if place is None else f"{ROOT}:{place}"
        for word, place in zip(after.split(), places)
    ]


def test_an_empty_file_has_no_lines() -> None:
    assert stanza_files.flat(Files(ROOT, {ROOT: ""}), []) == ("", [])


def test_after_a_plan_the_files_are_its_texts() -> None:
    now = Files(ROOT, {ROOT: "auto lo\n"})
    after = stanza_files.docs_after(now, [stanza_files.file_change(ROOT, Texts("auto lo\n", BR0))])
    assert after[ROOT].text == BR0


def test_after_a_plan_a_file_is_gone_and_cloud_init_is_off_or_on_again() -> None:
    switch = "/etc/cloud/cloud.cfg.d/99-off.cfg"
    now = Files(ROOT, {ROOT: BR0, MORE: "auto eth0\n"})
    made = stanza_files.file_change(switch, Texts(None, "off", stanzas=False))
    gone = stanza_files.file_change(MORE, Texts("auto eth0\n", None))
    off = stanza_files.after(now, [made, gone])
    assert (off.texts, off.switches, off.cloud_init) == ({ROOT: BR0}, {switch: "off"}, False)
    back = stanza_files.file_change(switch, Texts("off", None, stanzas=False))
    on = stanza_files.after(off, [back])
    assert (on.texts, on.switches, on.cloud_init) == ({ROOT: BR0}, {}, True)
    assert stanza_files.after(now, [gone]).cloud_init
    assert not stanza_files.after(replace(now, cloud_init=False), []).cloud_init
