# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tag becomes a release only where the checkout is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.hypervisor.network.tools.release_notes import NotReady, notes

CHANGELOG = """\
================================
hypervisor.network Release Notes
================================

.. contents:: Topics

v1.2.10
=======

Bugfixes
--------

- the newer one

v1.2.1
======

Minor Changes
-------------

- the older one
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "changelogs" / "fragments").mkdir(parents=True)
    (tmp_path / "galaxy.yml").write_text("version: 1.2.1\n", encoding="utf-8")
    (tmp_path / "CHANGELOG.rst").write_text(CHANGELOG, encoding="utf-8")
    return tmp_path


def test_a_release_gets_its_own_section(checkout: Path) -> None:
    assert notes(checkout, "1.2.1") == "Minor Changes\n-------------\n\n- the older one\n"


def test_a_tag_that_is_not_the_declared_version_is_refused(checkout: Path) -> None:
    with pytest.raises(NotReady, match=r"says version 1\.2\.1 and the tag 1\.2\.10; make them"):
        notes(checkout, "1.2.10")


def test_fragments_that_wait_are_refused(checkout: Path) -> None:
    (checkout / "changelogs" / "fragments" / "new.yml").write_text("---\n", encoding="utf-8")
    with pytest.raises(NotReady, match=r"^new\.yml of changelogs/fragments is in no release yet"):
        notes(checkout, "1.2.1")


def test_a_changelog_without_the_version_is_refused(checkout: Path) -> None:
    (checkout / "galaxy.yml").write_text("version: 1.3.0\n", encoding="utf-8")
    with pytest.raises(NotReady, match=r"has nothing about v1\.3\.0; run antsibull-changelog"):
        notes(checkout, "1.3.0")
