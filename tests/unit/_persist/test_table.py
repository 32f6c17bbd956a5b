# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of managers; what each adapter can do is held by tests/unit/_managers/test_port.py."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import look
from ansible_collections.hypervisor.network.plugins.module_utils._managers.port import NETPLAN
from ansible_collections.hypervisor.network.plugins.module_utils._persist.table import (
    ADAPTERS,
    MAKERS,
    Adapters,
)
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.managers import override_of

SCRIPT = """
import sys
from ansible_collections.hypervisor.network.plugins.module_utils._persist.writers import WRITERS
assert "ifupdown" in WRITERS and len(list(WRITERS)) == 5 and WRITERS["ifupdown"].name == "ifupdown"
assert not sys.argv[1:] or WRITERS[sys.argv[1]].name == sys.argv[1]
print(*sorted({one.split(".")[5] for one in sys.modules if one.endswith(".manager") and ".module_utils." in one}))
"""


def test_each_has_its_own_name_and_is_made_once() -> None:
    fresh = Adapters(MAKERS)
    assert list(fresh) == list(ADAPTERS) and len(fresh) == 3
    for name in fresh:
        assert fresh[name].name == name and fresh[name] is fresh[name]


def test_the_role_knows_the_same_managers() -> None:
    assert set(look._PERSISTED) == set(MAKERS)
    # whose NICs are netplan's, networkd or NetworkManager says that they are its own
    assert {override_of(one) for one in look._ADAPTED} == set(MAKERS) - {NETPLAN}


def test_who_has_no_adapter_is_not_in_it() -> None:
    assert "ifupdown" not in ADAPTERS and ADAPTERS.get("wicd") is None
    with pytest.raises(KeyError):
        ADAPTERS["ifupdown"]


def test_the_room_of_a_manager_is_imported_where_it_is_asked_for() -> None:
    """What is not imported is not compiled on the target."""

    def rooms(*asked: str) -> list[str]:
        done = subprocess.run([sys.executable, "-c", SCRIPT, *asked], capture_output=True, text=True, check=True)  # fmt: skip
        return done.stdout.split()

    assert rooms() == ["_ifupdown"]
    assert rooms("networkd") == ["_ifupdown", "_networkd"]
    assert rooms("networkmanager") == ["_ifupdown", "_networkmanager"]
    # what netplan writes is carried out by networkd
    assert rooms("netplan") == ["_ifupdown", "_netplan", "_networkd"]
