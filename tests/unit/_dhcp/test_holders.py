# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which process is a DHCP client of this host, and which only looks like one: a /proc of files."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import holders
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.clients import (
    Dhclient,
    Dhcpcd,
    Udhcpc,
)
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.holders import Found, Host
from ansible_collections.hypervisor.network.tests.harness.model.dhclients import (
    IFUPDOWN,
    IFUPDOWN6,
)

STAT = "{} ({}) S 1 1 {} 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0"
NOBODY = 65534


def anywhere(_path: str) -> bool:
    return True


class Machine:
    """A /proc of files, of which this process is in the namespaces "here", and the folder of the distribution's programs."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "proc"
        self.sbin = folder / "sbin"
        self.sbin.mkdir()
        for name in ("dhclient", "dhcpcd", "busybox", "perl"):
            (self.sbin / name).write_text("")
        (self.sbin / "udhcpc").symlink_to("busybox")
        for name in ("here", "there"):
            (folder / name).touch()
        self._namespaces("self", "here", "here")
        programs = (Dhclient(anywhere), Udhcpc(ours=anywhere), Dhcpcd(ours=anywhere))
        self.host = Host(str(self.root), str(self.sbin), 0, {one.name: one for one in programs})

    def _namespaces(self, pid: str, net: str, mnt: str) -> None:
        (self.root / pid / "ns").mkdir(parents=True)
        for kind, name in (("net", net), ("mnt", mnt)):
            (self.root / pid / "ns" / kind).symlink_to(self.root.parent / name)

    def process(
        self,
        pid: int,
        *argv: str | bytes,
        uid: int = 0,
        exe: str = "",
        net: str = "here",
        mnt: str = "here",
        session: int = 0,
    ) -> None:
        self._namespaces(str(pid), net, mnt)
        folder = self.root / str(pid)
        words = [os.fsencode(word) for word in argv]
        (folder / "cmdline").write_bytes(b"".join(word + b"\0" for word in words))
        (folder / "stat").write_text(STAT.format(pid, "a\nb) S 1", session or pid))
        (folder / "status").write_text(f"Name:\tx\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")
        name = os.path.basename(os.fsdecode(argv[0])).split(":")[0] if argv else "perl"
        (folder / "exe").symlink_to(exe or self.sbin / {"udhcpc": "busybox"}.get(name, name))

    def changes(self, pid: int, old: str, new: str) -> None:
        """Have a process be another, or another's, by what it says of itself."""
        stat = self.root / str(pid) / "stat"
        stat.write_text(stat.read_text().replace(old, new))

    def survey(self) -> Found:
        return holders.survey(("eth0", "br0"), self.host)

    def pids(self) -> list[int]:
        return [one.pid for one in self.survey().clients]


class Looked(Dhclient):
    """While it is looked at, something else happens: C(then) is told how often its command line was read."""

    def __init__(self, then: Callable[[int], object]) -> None:
        super().__init__(anywhere)
        self.reads = 0
        self._then = then

    def recognise(self, argv: Any, devs: Any) -> Any:
        self.reads += 1
        self._then(self.reads)
        return super().recognise(argv, devs)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_client_is_found_by_its_program_and_the_device_it_names(machine: Machine) -> None:
    machine.process(100, "/sbin/dhclient", *IFUPDOWN[1:])
    machine.process(101, *IFUPDOWN6)
    machine.process(102, "/sbin/dhclient", "-4", "eth1")
    machine.process(103, "vi", "eth0")
    machine.process(104, "/usr/bin/dhclientele", "eth0")
    machine.process(105, "dhclient", "eth0.10")
    machine.process(106)
    found = machine.survey()
    assert [(one.dev, one.program, one.argv, one.pid) for one in found.clients] == [
        ("eth0", "dhclient", IFUPDOWN, 100), ("eth0", "dhclient", IFUPDOWN6, 101),
    ]  # fmt: skip
    assert found.pretenders == ()


def test_udhcpc_is_busybox_by_either_name(machine: Machine) -> None:
    machine.process(100, "udhcpc", "-i", "eth0", exe=str(machine.sbin / "busybox"))
    machine.process(101, "busybox", "udhcpc", "-i", "eth0")
    machine.process(102, "udhcpc", "-i", "eth0", exe=str(machine.sbin / "perl"))
    assert machine.pids() == [100, 101]


LOOKALIKES = {
    "another user's": ({"uid": NOBODY, "exe": "perl"}, "it runs as nobody, not as root"),
    "another user's, of the real program": ({"uid": NOBODY}, "it runs as nobody, not as root"),
    "root's, of another program": ({"exe": "perl"}, "its program is .*perl', not the dhclient"),
    "root's, of a program elsewhere": ({"exe": "elsewhere"}, "its program is .*elsewhere', not"),
    "of a program that was deleted elsewhere": ({"exe": "x (deleted)"}, "its program is"),
    "root's, with other files": ({"mnt": "there"}, "a mount namespace of its own"),
}


@pytest.mark.parametrize(("how", "why"), LOOKALIKES.values(), ids=LOOKALIKES)
def test_what_only_looks_like_a_client_is_told_and_is_none(
    machine: Machine, how: dict[str, Any], why: str
) -> None:
    if "exe" in how:
        how = {**how, "exe": str(machine.sbin / how["exe"])}
        (machine.sbin / "elsewhere").write_text("")
    machine.process(100, "/some/dir/dhclient", "-sf", "/tmp/evil", "eth0", **how)
    machine.process(101, *IFUPDOWN)
    found = machine.survey()
    assert [one.pid for one in found.clients] == [101]
    (told,) = found.pretenders
    assert re.search(rf"^The process 100 calls itself dhclient of eth0, .*{why}", told), told
    assert "\n" not in told


def test_a_name_that_is_no_line_is_told_in_one(machine: Machine) -> None:
    evil = machine.sbin / "a\nb\udcff"
    evil.write_text("")
    machine.process(100, b"/x\n\xff/dhclient", "eth0", exe=str(evil))
    (told,) = machine.survey().pretenders
    assert "\n" not in told and told.encode()


def test_a_client_in_another_network_namespace_is_none_of_ours(machine: Machine) -> None:
    machine.process(100, *IFUPDOWN, net="there")
    machine.process(101, *IFUPDOWN, net="there", uid=NOBODY)
    assert machine.survey() == Found((), ())


def test_a_client_whose_program_was_upgraded_is_still_one(machine: Machine) -> None:
    machine.process(100, *IFUPDOWN, exe=f"{machine.sbin}/dhclient (deleted)")
    machine.process(101, "udhcpc", "-i", "eth0", exe=f"{machine.sbin}/busybox (deleted)")
    assert machine.pids() == [100, 101]


def test_dhcpcds_children_are_parts_of_a_client_that_root_has(machine: Machine) -> None:
    own_user = 102
    machine.process(100, "dhcpcd: eth0 [ip4]", uid=own_user, session=99)
    machine.process(101, "dhcpcd: [privileged proxy] eth0 [ip4]", session=99)
    machine.process(102, "dhcpcd: [control proxy] eth0 [ip4]", uid=own_user, session=99)
    machine.process(103, "dhcpcd: [network proxy] 10.77.0.146", uid=own_user, session=99)
    # in a session of its own, which can't be that one
    machine.process(104, "dhcpcd: eth0 [ip4]", uid=NOBODY, session=104)
    found = machine.survey()
    assert [(one.argv, one.pid) for one in found.clients] == [(("dhcpcd", "-4", "eth0"), 101)]
    (told,) = found.pretenders
    assert "The process 104 calls itself dhcpcd of eth0" in told


def test_dhcpcds_children_alone_are_no_client(machine: Machine) -> None:
    machine.process(100, "dhcpcd: eth0 [ip4]", uid=102, session=99)
    assert machine.pids() == [] and len(machine.survey().pretenders) == 1


def test_a_process_that_ends_while_it_is_looked_at_is_passed_over(machine: Machine) -> None:
    (machine.root / "100").mkdir()
    machine.process(101, *IFUPDOWN)
    machine.process(102, *IFUPDOWN)
    (machine.root / "102" / "status").unlink()
    assert machine.pids() == [101]


def test_a_number_that_changes_hands_meanwhile_is_no_client(machine: Machine) -> None:
    """What is read first is nobody's command line, and what is looked at then root's dhclient."""
    machine.process(100, *IFUPDOWN)

    def then(reads: int) -> None:
        # after the command line was read for good, and before its owner is looked at again
        if reads == 2:
            machine.changes(100, "4711", "4712")

    looked = Looked(then)
    host = replace(machine.host, programs={"dhclient": looked})
    assert holders.clients(("eth0",), host) == () and looked.reads == 2


@pytest.mark.parametrize("argv", [(b"\xff",), (b"dhclient", b"\xff\xfe"), (b"", b""), (b"a\nb",)])
def test_a_command_line_that_is_no_text_stops_nothing(
    machine: Machine, argv: tuple[bytes, ...]
) -> None:
    machine.process(100, *argv, exe=str(machine.sbin / "perl"))
    machine.process(101, *IFUPDOWN)
    assert machine.pids() == [101] and machine.survey().pretenders == ()


def test_one_that_begins_a_session_of_its_own_meanwhile_is_looked_at_again(
    machine: Machine,
) -> None:
    """dhclient wakes who started it, and then calls setsid: what it is changes under the look, and who it is does not."""
    machine.process(100, *IFUPDOWN6, session=99)

    def then(reads: int) -> None:
        if reads == 2:
            machine.changes(100, " 1 1 99 ", " 1 1 100 ")

    host = replace(machine.host, programs={"dhclient": Looked(then)})
    assert [one.pid for one in holders.clients(("eth0",), host)] == [100]
    assert "1 1 100" in (machine.root / "100" / "stat").read_text()


def test_one_that_never_stays_what_it_is_is_no_client(machine: Machine) -> None:
    machine.process(100, *IFUPDOWN, session=1)
    stat = machine.root / "100" / "stat"
    looked = Looked(lambda reads: stat.write_text(STAT.format(100, "dhclient", reads)))
    host = replace(machine.host, programs={"dhclient": looked})
    assert holders.clients(("eth0",), host) == () and looked.reads < 10
