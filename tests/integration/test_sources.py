# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files, stanzas and options ifupdown reads: ours against C(ifquery) of the host."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import sources
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.document import Document
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.plan import plan
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.validate import checked
from ansible_collections.hypervisor.network.tests.harness.model.stanzas import ITEM

NAMES = ("one", "two", "three", "o4", "d.5", "s p")


def ifquery(root: Path, *words: str) -> list[str]:
    done = subprocess.run(
        ["ifquery", "-i", str(root), *words], capture_output=True, text=True, check=False, cwd="/"
    )
    return done.stdout.splitlines()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "d" / "deeper").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        (tmp_path / "d" / name).write_text(f"auto n{number}\niface n{number} inet manual\n")
    return tmp_path / "interfaces"


@pytest.mark.parametrize(
    "line",
    [
        "source d/*",
        "source d/[^o]*",
        "source d/[!o]*",
        'source "d/one"',
        "source 'd/*'",
        r"source d/o\ne",
        r"source d/s\ p",
        'source d/"s p"',
        "source ${NOPE:-d}/two",
        'source "${NOPE:-d}/t"*',
        "source ${NOPE:+d}/two",
        "source d/$NOPE*",
        "source $NOPE/d/one",
        "source $((4 - 3))d/*",
        "source d/o$((2 + 2))",
        "source d/{one,two}",
        "source d/$(echo one)",
        "source d/`echo one`",
        'source "d/on',
        "source d/one|x",
        "source d/one; true",
        "source d/one # two",
        "source d/one d/two",
        "source d/one {folder}/d/two",
        "source {folder}/d/t*",
        'source "{folder}/d/one"',
        "source ~/nothing d/one",
        "source d",
        "source",
        "source ./d/../d/one",
        "source-directory d",
        "source-directory ./d/",
        'source-directory "d"',
        "source-directory ${NOPE:-d}",
        "source-directory d*",
        "source-directories d",
        "source-directory",
        "source-directory nothing d",
        "source d/o* \\\n {folder}/d/two",
    ],
)
def test_the_files_are_those_that_ifupdown_reads(root: Path, line: str) -> None:
    root.write_text(line.replace("{folder}", str(root.parent)) + "\n")
    docs = [Document(text) for text in sources.read(str(root), "/nowhere").texts.values()]
    ours = {f"n{n}" for n in range(len(NAMES)) for doc in docs if doc.selected("auto", f"n{n}")}
    assert ours == set(ifquery(root, "--list")) - {"lo"}


@pytest.mark.parametrize(
    ("line", "name", "read"),
    [
        ("source d/[^o]*", "new", True),
        ("source d/[^o]*", "other", False),
        ('source "d/new"', "new", True),
        ("source ${NOPE:-d}/*", "new", True),
        ("source d/*", "new.cfg", True),
        ("source d/*", ".new", False),
        ("source-directory d", "new", True),
        ("source-directory d", "new.cfg", False),
        ("source-directory ${NOPE:-d}", "new", True),
        ("source d/$(echo new)", "new", False),
        ("source d/{new,old}", "new", False),
    ],
)
def test_a_new_file_is_made_only_where_ifupdown_will_read_it(
    root: Path, line: str, name: str, read: bool
) -> None:
    root.write_text(f"{line}\n")
    path = root.parent / "d" / name
    item = {**ITEM, "name": "eth9", "method": "manual", "auto": True, "file": str(path)}
    try:
        plan(sources.read(str(root), "/nowhere"), [checked(item)])
    except Refused as error:
        assert "would not be read" in str(error)
        planned = False
    else:
        planned = True
    path.write_text("auto eth9\niface eth9 inet manual\n")
    assert planned == ("eth9" in ifquery(root, "--list")) == read


@pytest.mark.parametrize(
    "text",
    [
        "iface eth0 inet manual\n template x\n up a\n",
        "iface eth0 inet manual\n up a\n template x y\n",
        "iface eth0 inet manual\n up a\\",
        "iface eth0 inet manual\n up a\\\\",
        "iface eth0 inet manual\n up a\\\\\\",
        "iface eth0 inet manual\n up a\\\\\n",
        "iface eth0 inet manual\n up a \\\n# c\n up b\n",
        "iface eth0 inet manual\n up a \\\\\n# c\n up b\n",
        "iface eth0 inet manual\n up a\n# c \\\n up b\n",
        "iface eth0 inet manual\n up a\n\\\n# c\n up b\n",
    ],
)
def test_the_options_are_those_that_ifupdown_reads(root: Path, text: str) -> None:
    root.write_text(text)
    (stanza,) = Document(text).stanzas("eth0")
    assert [f"{key}: {value}" for key, value in stanza.options] == ifquery(root, "eth0")
