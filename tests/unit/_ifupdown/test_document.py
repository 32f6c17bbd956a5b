# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parser of interfaces(5): every text comes back as it was, and is read as ifupdown reads it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import Document

PIECES = [
    "iface eth0 inet dhcp", "iface br0 inet6 static inherits t", "iface", "iface x", "auto lo eth0", "auto", "allow-hotplug eth0", "allow-",
    "mapping eth*", "script /x", "map a b", "source /etc/*", "source-directory d", "rename a=b", "no-auto-down eth0", "no-scripts eth0",
    "template t", "address 192.0.2.1/24", "up ip route add default dev eth0", "bridge-ports eth0", "# comment \\", "#", "\\", " ", "\t", "\r",
    "\x00", "\x0b", "\x1c", "\x85", "\u2028", "\udcff\udc80", "x" * 90, "\\\n", "\\ \n", "\\\r\n", "\n", "\n\n", "\r\n",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=25).map("".join) | st.text(
    max_size=200
)
LINES = st.lists(st.sampled_from(PIECES), max_size=20).map("\n".join)


@settings(max_examples=400, deadline=None)
@given(TEXTS | LINES)
def test_every_text_comes_back_as_it_was(text: str) -> None:
    assert Document(text).text == text


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_every_byte_comes_back_as_it_was(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    assert Document(text).text.encode("utf-8", "surrogateescape") == data


@settings(max_examples=200, deadline=None)
@given(LINES)
def test_a_stanza_put_at_the_end_and_taken_away_leaves_every_line_as_it_was(text: str) -> None:
    doc = Document(text)
    before = [line.raw for line in doc.lines]
    doc.append(["iface zz9 inet manual\n"])
    stanza = doc.stanzas("zz9")[0]
    doc.remove(stanza.start, stanza.stop)
    after = "".join(line.raw for line in doc.lines)
    # a backslash that dangled at the end was ended first, as lines end in this file
    assert after in ("".join(before), "".join(before) + "\n", "".join(before) + "\r\n")


@pytest.mark.parametrize(
    ("header", "parts"),
    [
        ("iface a inet static", ("a", "inet", "static", None)),
        ("iface a inet6 auto inherits t", ("a", "inet6", "auto", "t")),
        ("iface a inet inherits t", ("a", "inet", None, "t")),
        ("iface a inherits t", ("a", None, None, "t")),
        ("iface a", ("a", None, None, None)),
        ("  iface\ta \\\n inet static", ("a", "inet", "static", None)),
    ],
)
def test_a_header_tells_name_family_method_and_template(
    header: str, parts: tuple[str, ...]
) -> None:
    stanza = Document(header).stanzas()[0]
    assert (stanza.name, stanza.family, stanza.method, stanza.inherits) == parts


def test_a_stanza_ends_at_its_last_option_or_at_an_indented_comment_below_it() -> None:
    doc = Document("iface a inet dhcp\n  mtu 9\n  # up x\n\n# of b\niface b inet dhcp\n")
    first, second = doc.stanzas()
    assert ((first.start, first.stop), (second.start, second.stop)) == ((0, 3), (5, 6))


def test_setting_an_option_touches_its_line_only_and_keeps_its_spelling() -> None:
    doc = Document("iface a inet manual\n\tbridge-ports   eth0\n\t# stp\n\tbridge_stp off\n")
    doc.set_option(doc.stanzas()[0], "bridge_ports", ["eth0 eth1"])
    assert (
        doc.text == "iface a inet manual\n\tbridge-ports   eth0 eth1\n\t# stp\n\tbridge_stp off\n"
    )


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ([], ""),
        (["x"], " up x\n"),
        (["a", "c"], " up a\n up c\n"),
        (["a", "b", "c"], " up a\n up b\n up c\n"),
    ],
)
def test_an_option_gets_exactly_the_given_values(values: list[str], left: str) -> None:
    doc = Document("iface i inet manual\n up a\n up b\n mtu 9\n")
    doc.set_option(doc.stanzas()[0], "up", values)
    assert doc.text == f"iface i inet manual\n{left} mtu 9\n"


def test_a_new_option_in_a_file_of_crlf_ends_with_crlf() -> None:
    doc = Document("iface i inet manual\r\n\tmtu 9\r\n")
    doc.set_option(doc.stanzas()[0], "metric", ["5"])
    assert doc.text == "iface i inet manual\r\n\tmtu 9\r\n\tmetric 5\r\n"


def test_what_is_put_behind_a_dangling_backslash_is_not_swallowed_by_it() -> None:
    doc = Document("iface i inet manual\n up x \\")
    doc.append(["iface j inet manual\n"])
    assert [stanza.name for stanza in doc.stanzas()] == ["i", "j"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("auto lo eth0 br0\n", "auto lo br0\n"),
        ("auto eth0\n", ""),
        ("allow-auto eth0\tlo\n", "allow-auto\tlo\n"),
        ("auto lo \\\n eth0\n", "auto lo \\\n\n"),
        ("auto eth0.1 eth00\n", "auto eth0.1 eth00\n"),
        ("iface eth0 inet dhcp\n auto\n mtu 9\n", "iface eth0 inet dhcp\n mtu 9\n"),
        ("allow-hotplug eth0\n", "allow-hotplug eth0\n"),
    ],
)
def test_a_name_is_taken_out_of_auto_lines(text: str, left: str) -> None:
    doc = Document(text)
    doc.unselect("auto", "eth0")
    assert doc.text == left
    assert not doc.selected("auto", "eth0")


@settings(max_examples=300, deadline=None)
@example("", "\\\n# comment \\", 0, 0)
@given(
    LINES,
    st.lists(st.sampled_from(PIECES), max_size=4).map("".join),
    st.integers(0, 30),
    st.integers(0, 3),
)
def test_an_edited_document_is_what_its_text_reads_as(
    text: str, added: str, start: int, length: int
) -> None:
    doc = Document(text + "\n")
    start = min(start, len(doc.lines))
    doc.insert(start, [added + "\n"])
    doc.replace(start, min(start + length, len(doc.lines)), [])
    again = Document("".join(line.raw for line in doc.lines))
    assert doc.lines == again.lines
    assert [stanza.start for stanza in doc.stanzas()] == [
        stanza.start for stanza in again.stanzas()
    ]


def test_a_header_gets_a_method_and_a_stanza_tells_its_options() -> None:
    doc = Document("iface a inet inherits t\niface b \\\n inet dhcp\n\tmtu 9\n\tMTU 8\n\tmtu 7\n")
    doc.set_method(doc.stanzas("a")[0], "static")
    doc.set_method(doc.stanzas("b")[0], "manual")
    assert doc.text.startswith("iface a inet static inherits t\niface b  inet manual\n\tmtu 9\n")
    assert doc.stanzas("b")[0].options == (("mtu", "9"), ("MTU", "8"), ("mtu", "7"))
    assert doc.stanzas("b")[0].values("mtu") == ["9", "7"]
    assert Document("").indent() == "    "


def test_a_name_is_put_into_a_group_and_found_there_also_by_a_pattern() -> None:
    doc = Document("iface a inet dhcp\n")
    doc.select("hotplug", "a", 0)
    doc.select("auto", "/b*", 0)
    assert doc.text.startswith("auto /b*\nallow-hotplug a\n")
    assert doc.selected("hotplug", "a") and not doc.selected("auto", "b0")
    assert (
        doc.covered("auto", "b0") and not doc.covered("auto", "a") and doc.covered("hotplug", "a")
    )


def test_a_lone_auto_is_its_stanzas_and_is_taken_out_with_its_name() -> None:
    doc = Document("iface a inet dhcp\n auto\n mtu 9\n")
    assert doc.selected("auto", "a")
    doc.unselect("auto", "a")
    assert doc.text == "iface a inet dhcp\n mtu 9\n"


def test_a_place_is_that_on_the_disk_whatever_was_edited_above() -> None:
    doc = Document("# c\niface a inet dhcp\n mtu 9\n\niface b inet dhcp\n x \\\n y\n z\n")
    doc.insert(0, ["auto a\n", "auto b\n"])
    doc.set_option(doc.stanzas("a")[0], "mtu", ["1400"])
    doc.set_method(doc.stanzas("a")[0], "manual")
    places = {line.value or line.kind: doc.place("f", n) for n, line in enumerate(doc.lines)}
    assert places["a"] == places["b"] == "f"
    assert (places["a inet manual"], places["1400"], places["b inet dhcp"]) == ("f:2", "f:3", "f:5")
    assert doc.place("f", len(doc.lines) - 1) == "f:8"
