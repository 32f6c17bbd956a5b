# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group A for every module: whatever an option is given, one sentence comes of it, never a traceback, and nothing is changed.

It runs in a namespace, and with folders of its own over those that modules write to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.tests.conftest import PYTHONS, needs_root
from ansible_collections.hypervisor.network.tests.harness.model import hostile
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, settled
from ansible_collections.hypervisor.network.tests.harness.net.netns import Namespaces, batch
from ansible_collections.hypervisor.network.tests.harness.process.long_form import LONG
from ansible_collections.hypervisor.network.tests.harness.process.modules import SWITCH, Modules

# what a module is asked for, with one option that is bad; nothing where it need not be named
ASKED: dict[str, list[dict[str, Any]]] = {
    "linux_bridge": [{"name": "br0"}, {"name": "br7", "self_vlans": [{"vid": "5"}]}],
    "bridge_port": [{"name": "v0", "bridge": "br0"}],
    "tap_device": [{"name": "tap7"}],
    "bridge_uplink": [
        {"name": "v3", "bridge": "br7", "guard_timeout": 0},
        {"name": "v3", "bridge": "br7", "state": "absent"},
    ],
    "bridge_fdb": [{"bridge": "br0", "port": "v0", "mac": "52:54:00:00:00:01"}, {"bridge": "br0"}],
    "bridge_mdb": [
        {"bridge": "br0", "port": "v0", "group": "239.1.1.1"},
        {"bridge": "br0", "group": "239.1.1.1", "state": "absent"},
        {"entries": [{"bridge": "br0", "port": "v0", "group": "239.1.1.1"}]},
    ],
    "bridge_persist": [
        {"manager": "networkd", "bridges": ["br0"], "ports": ["v0"]},
        {"manager": "netplan", "bridges": ["br0"], "uplinks": ["v0"]},
        {"manager": "networkmanager", "bridges": ["br7"], "uplinks": ["v3"], "state": "absent"},
    ],
    "bridge_isolation": [{"tenants": [{"name": "blue", "ports": ["v1"]}]}],
    "host_plan": [
        {
            "bridges": [{"name": "br0"}, {"name": "br7", "uplink": "v3"}],
            "taps": [{"name": "tap7", "bridge": "br7"}],
            "guests": [{"name": "vm1", "nics": [{"tap": "tap7"}], "disks": [{"path": "/srv/a"}]}],
            "assume_packages": True,
        },
        {"bridges": [{"name": "br0"}], "tenants": [{"name": "blue", "vlan": 10}]},
        {"bridges": [{"name": "br7", "uplink": "v3", "state": "absent"}], "assume_packages": True},
    ],
    "ifupdown_state": [{"interfaces": ["br0"]}],
    "interfaces_stanza": [
        {"name": "br0", "method": "static", "options": {"address": "192.0.2.1/24"}},
        {"name": "br0", "take_over": "v3"},
        {"name": "br0", "hand_back": "v3", "state": "absent"},
    ],
    "qemu_guest": [
        {"name": "vm1", "state": "stopped"},
        {"name": "vm1", "nics": [{"tap": "tap1"}], "disks": [{"path": "/srv/a", "size": "1G"}]},
        {"name": "vm1", "state": "absent"},
    ],
    "qemu_backup": [
        {"guest": "vm1", "target": "/srv/backups"},
        {"guest": "vm1", "target": "/srv/backups", "name": "one", "state": "absent"},
    ],
    "qemu_snapshot": [{"guest": "vm1", "name": "one"}],
    "verdict": [{"findings": {"proven": [], "wrong": [], "risky": []}}],
    "transaction": [{"id": "0123456789abcdef" * 2, "state": "confirmed"}],
    "guarded_change": [
        {"module": "tap_device", "options": {"name": "tap7"}},
        {"module": "linux_bridge", "options": {"name": "br0"}},
    ],
}
# guests, files, transactions, what stands above a task, and on some machines kernels with VLANs
LACKING = re.compile(
    "no guest vm1|no directory /srv/|no tap 'tap1'|No file that|no transaction|managed by netplan|Nothing is named|call this module as a task|VLAN_FILTERING"
)
FOLDERS = ("/etc/network", "/run/hypervisor-network", "/var/lib/hypervisor-network", "/run/network")
_INTERFACES = "auto lo\niface lo inet loopback\n"
_EXAMPLES = 1500 if LONG else 60
_LONGEST = 4096  # a sentence that quotes what is bad, not the whole of it


class Sandbox:
    """The namespace, and the folders as the modules see them."""

    def __init__(self, modules: Modules, netns: str) -> None:
        self.modules = modules
        self._netns = netns
        self._root = Path(f"/proc/{modules.pid}/root")
        self._links = settled(netns)
        self._files = self.files()

    def files(self) -> dict[str, bytes]:
        """What lies in the folders."""
        return {
            str(path): path.read_bytes() if path.is_file() else b""
            for folder in FOLDERS
            for path in sorted((self._root / folder[1:]).rglob("*"))
        }

    def check_untouched(self) -> None:
        assert differences(self._links, settled(self._netns)) == []
        assert self.files() == self._files


@pytest.fixture(scope="module")
def sandbox(target_path: str) -> Iterator[Sandbox]:
    needs_root()
    mounts = " && ".join(
        f"mkdir -p {one} && mount -t tmpfs -o mode=0711 tmpfs {one}" for one in FOLDERS
    )
    start = f"{mounts} && printf '{_INTERFACES}' > /etc/network/interfaces && cd / && exec \"$@\""
    through = ("unshare", "--mount", "--propagation=private", "sh", "-ec", start, "sh")
    with Namespaces("bad") as names:
        batch(names["bad"], SWITCH)
        python = str(PYTHONS["pyroute2-0.9.7"])
        with Modules(names["bad"], python, target_path, through) as modules:
            modules.run("bridge_info")
            yield Sandbox(modules, names["bad"])


@pytest.mark.parametrize("module", hostile.names())
def test_without_a_bad_value_nothing_is_refused_but_for_what_the_sandbox_lacks(
    sandbox: Sandbox, module: str
) -> None:
    """Else one reason would stand before all bad values, and none of them would be looked at."""
    for asked in ASKED.get(module, [{}]):
        told = sandbox.modules.order(module, asked, check=True)["result"]
        assert not told.get("failed") or LACKING.search(told["msg"]), told["msg"]


@pytest.mark.parametrize("module", hostile.names())
def test_a_bad_value_of_any_option_is_told_in_one_sentence(sandbox: Sandbox, module: str) -> None:
    spec = hostile.spec_of(module)

    @settings(
        max_examples=_EXAMPLES,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from(ASKED.get(module, [{}])),
        st.sampled_from(list(hostile.ways(spec))),
        hostile.ANY,
    )
    def tried(asked: dict[str, Any], way: hostile.Way, value: Any) -> None:
        try_one(sandbox, module, hostile.put(asked, spec, way, value))

    tried()
    sandbox.check_untouched()


def try_one(sandbox: Sandbox, module: str, args: dict[str, Any]) -> None:
    """In check mode, and for real where that refuses: then both say the same."""
    answer = sandbox.modules.order(module, args, check=True)
    if answer["result"].get("skipped"):  # what only sends frames has no check mode
        answer = sandbox.modules.order(module, args)
    assert answer["traceback"] is None, answer["traceback"]
    assert answer["writes"] == 0, answer
    told = answer["result"]
    if not told.get("failed"):
        return
    message = told["msg"]
    assert "\n" not in message and len(message) < _LONGEST, message
    real = sandbox.modules.order(module, args)
    assert (real["result"].get("msg"), real["writes"]) == (message, 0), real
