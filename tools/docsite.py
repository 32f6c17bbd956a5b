# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation's site: C(docsite.py COLLECTION FOLDER). FOLDER/html is the site, for a browser or any web server.

antsibull-docs writes a page for each module, filter and role, and Sphinx makes the site of them, of the guides and of docs/site. What is internal gets no page.
A reference that leads nowhere is an error.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

NAME = "hypervisor.network"
_TITLE = re.compile(r"^hypervisor\.network\.(\w+) (\w+) -- (.*)$", re.MULTILINE)
_KINDS = (("role", "Roles"), ("module", "Modules"), ("filter", "Filters"))


def build(collection: Path, folder: Path) -> Path:
    """Make the site of a collection in a folder, which is made anew; returns where its pages are. Raises CalledProcessError."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = folder / "rst"
    shutil.copytree(collection / "docs" / "site", pages)
    pages.chmod(0o755)  # antsibull-docs refuses a folder that others may write to
    front = (pages / "index.rst").read_text(encoding="utf-8")
    subprocess.run(
        ["antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--no-indexes", "--dest-dir", str(pages), NAME],
        check=True,
    )  # fmt: skip
    told = _told(pages)
    guides = yaml.safe_load((collection / "docs/docsite/extra-docs.yml").read_text("utf-8"))
    (pages / "index.rst").write_text(front + _index(guides["sections"], told), encoding="utf-8")
    subprocess.run(
        ["sphinx-build", "-M", "html", str(pages), str(folder), "-q", "-W", "--keep-going"], check=True
    )  # fmt: skip
    return folder / "html"


def _told(pages: Path) -> dict[str, dict[str, str]]:
    """The pages of what is meant for users: what each does, by kind and name. The others are removed."""
    told: dict[str, dict[str, str]] = {kind: {} for kind, _title in _KINDS}
    for page in sorted(pages.glob("*.rst")):
        text = page.read_text(encoding="utf-8")
        title = _TITLE.search(text)
        if title is None:
            continue
        name, kind, does = title.groups()
        if does.startswith("Internal"):
            page.unlink()
        else:
            told[kind][name] = does
            # the first thing that the page says is the whole name; as a heading it is broken in the middle of a word
            page.write_text(_TITLE.sub(rf"{name} -- \3", text, count=1), encoding="utf-8")
    return told


def _index(sections: list[dict], told: dict[str, dict[str, str]]) -> str:
    """The end of the front page: tables of what there is, and the tree of the side bar with short names."""
    lines = []
    for kind, title in _KINDS:
        lines += [
            "",
            title,
            "-" * len(title),
            "",
            ".. list-table::",
            "   :widths: 25 75",
            "   :width: 100%",
            "",
        ]
        for name, does in told[kind].items():
            lines += [f"   * - :ansplugin:`{name} <{NAME}.{name}#{kind}>`", f"     - {does}"]
    for section in sections:
        lines += _tree(section["title"], [f"docsite/{guide}" for guide in section["toctree"]])
    for kind, title in _KINDS:
        lines += _tree(title, [f"{name} <{name}_{kind}>" for name in told[kind]])
    return "\n".join(lines) + "\n"


def _tree(caption: str, entries: list[str]) -> list[str]:
    return ["", ".. toctree::", "   :hidden:", f"   :caption: {caption}", "", *(f"   {one}" for one in entries)]  # fmt: skip


if __name__ == "__main__":
    print(build(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()) / "index.html")
