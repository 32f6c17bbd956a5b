# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each file is held to its own test file where pytest is asked for it: C(--own-coverage)."""

from __future__ import annotations

import pytest

OPTION = "--own-coverage"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        OPTION, action="store_true", help="what each file's own test file covers of it, and no less"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to measure before anything of the collection is imported."""
    if config.getoption(OPTION):
        from ansible_collections.hypervisor.network.tests.unit.own_coverage import OwnCoverage

        config.pluginmanager.register(OwnCoverage())
