# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print what the changelog says of a version, or fail with a sentence where the checkout is not ready to be released as that.

python tools/release_notes.py 1.2.3
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


class NotReady(Exception):
    """The checkout is no release of that version; the text says why and what to do."""


def notes(root: Path, version: str) -> str:
    """The section of CHANGELOG.rst about this version. Raises NotReady."""
    declared = yaml.safe_load((root / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    if declared != version:
        raise NotReady(
            f"galaxy.yml says version {declared} and the tag {version}; make them the same."
        )
    waiting = sorted(path.name for path in (root / "changelogs" / "fragments").glob("*.yml"))
    if waiting:
        raise NotReady(
            f"{', '.join(waiting)} of changelogs/fragments is in no release yet; run antsibull-changelog release."
        )
    text = (root / "CHANGELOG.rst").read_text(encoding="utf-8")
    sections = re.split(r"^v(\S+)\n=+\n", text, flags=re.MULTILINE)
    told = dict(zip(sections[1::2], sections[2::2]))
    if not told.get(version, "").strip():
        raise NotReady(
            f"CHANGELOG.rst has nothing about v{version}; run antsibull-changelog release."
        )
    return told[version].strip() + "\n"


if __name__ == "__main__":
    try:
        sys.stdout.write(notes(ROOT, sys.argv[1]))
    except NotReady as error:
        sys.exit(str(error))
