# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group J, for files: strings that would become lines of their own, and random files held against ifupdown's own reading."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import Document
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.grammar import canonical

HOSTILE = "1500\n    up touch {pwn}"
GOOD = {"name": "br0", "family": "inet", "method": "manual", "options": {"mtu": "1500"}}


@pytest.mark.parametrize(
    "wish",
    [
        {"name": HOSTILE},
        {"name": "br0\nauto x"},
        {"method": HOSTILE},
        {"method": "manual\n    up touch {pwn}"},
        {"options": {"mtu": HOSTILE}},
        {"options": {"up": ["true", "true\r\n    up touch {pwn}"]}},
        {"options": {"mtu\n    up": "touch {pwn}"}},
        {"options": [["mtu", "1500\x0b    up"], ["mtu", HOSTILE]]},
        {"options": {"dns-search": "a\0b"}},
        {"options": {"dns-search": "a \\"}},
        {"options": {"auto": "x"}},
        {"options": {"source": "{pwn}"}},
        {"take_over": HOSTILE},
        {"state": "absent", "hand_back": HOSTILE},
        {"file": "{net}/interfaces.d/x\nauto y"},
        {"path": "{net}/interfaces\n"},
        {"backup_dir": "{net}/../backups\n"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("validate", [True, False])
def test_j01_a_line_end_in_any_string_is_refused(
    run_module: Any, tmp_path: Path, wish: dict[str, Any], validate: bool
) -> None:
    net = tmp_path / "network"
    (net / "interfaces.d").mkdir(parents=True)
    text = "source interfaces.d/*\n\nauto eth0\niface eth0 inet dhcp\n"
    (net / "interfaces").write_text(text)

    def filled(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{pwn}", str(tmp_path / "pwn")).replace("{net}", str(net))
        if isinstance(value, dict):
            return {filled(key): filled(inner) for key, inner in value.items()}
        return [filled(inner) for inner in value] if isinstance(value, list) else value

    given_options = {
        "path": str(net / "interfaces"),
        "backup_dir": str(tmp_path / "backups"),
        "validate": validate,
    }
    result = run_module("interfaces_stanza", {**given_options, **GOOD, **filled(wish)})
    assert result["failed"], result
    assert "\n" not in result["msg"], result
    assert (net / "interfaces").read_text() == text
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["interfaces"]


PIECES = st.sampled_from(
    [
        "iface eth0 inet manual",
        "iface eth0 inet dhcp",
        "iface eth1 inet6 auto",
        "auto eth0",
        "auto lo eth1",
        "auto",
        "allow-auto eth2",
    ]
    + [
        "  mtu 1400",
        "\tup echo a b",
        " up x \\",
        "   y",
        "post-up z  z",
        "# c \\",
        "",
        "  # d",
        "foo-bar 1 2\t",
        "  foo_bar\t3",
        "\\",
        " \\",
    ]
    + [
        "\\\tup q",
        "no-scripts eth0",
        "rename a=b",
        "iface eth3 inherits eth0",
        "iface eth4 inet manual inherits eth0",
        "mapping zz",
        "  script s",
    ]
)


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(PIECES, max_size=14), st.sampled_from(["\n", "", "\r\n"]))
def test_j09_random_files_are_read_as_ifupdown_reads_them(
    tmp_path: Path, pieces: list[str], end: str
) -> None:
    text = (end or "\n").join(["iface eth0 inet manual", *pieces]) + end
    path = tmp_path / "interfaces"
    path.write_bytes(text.encode())
    doc = Document(text)
    assert doc.text == text
    listed = _ifquery(path, "--list")
    if listed is None:
        return  # ifupdown itself cannot read it
    names = {"eth0", "eth1", "eth2"}
    assert {name for name in names if doc.selected("auto", name)} == names & set(listed)
    for name in names & {stanza.name for stanza in doc.stanzas()}:
        if any(stanza.inherits for stanza in doc.stanzas()):
            continue
        ours = [
            (canonical(key), " ".join(value.split()))
            for stanza in doc.stanzas(name)
            for key, value in stanza.options
        ]
        theirs = [tuple(line.split(": ", 1)) for line in _ifquery(path, name) or () if ": " in line]
        # ifupdown joins the values of a repeated option, and of a hook's several lines shows each
        single = [
            (key, value)
            for key, value in ours
            if [other for other, _value in ours].count(key) == 1 or key == "up"
        ]
        assert [
            pair
            for pair in single
            if pair not in [(canonical(key), " ".join(value.split())) for key, value in theirs]
        ] == []


def _ifquery(path: Path, *words: str) -> list[str] | None:
    done = subprocess.run(
        ["ifquery", "-i", str(path), *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"] + ":/sbin:/usr/sbin"},
    )
    return done.stdout.splitlines() if done.returncode == 0 else None
