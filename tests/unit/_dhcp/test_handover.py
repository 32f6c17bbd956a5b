# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a lease gets another device's name, what a successor is started as, and who is ended; test_holders.py tells who counts."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterator

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    DeadlineExceeded,
    MissingDependency,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import handover, holders
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.holders import Host
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import client_for
from ansible_collections.hypervisor.network.tests.harness.model.dhclients import (
    IFUPDOWN,
    IFUPDOWN6,
)
from ansible_collections.hypervisor.network.tests.harness.process.signals import none_in

LEASES = """lease {
  interface "eth0";
  fixed-address 10.77.0.100;
  option host-name "eth0";
}
lease {
  interface "eth1";
  fixed-address 10.88.0.100;
}
"""


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        (IFUPDOWN, tuple(word.replace("eth0", "br0") for word in IFUPDOWN)),
        (IFUPDOWN6, tuple(word.replace("eth0", "br0") for word in IFUPDOWN6)),
        (("dhclient", "eth0"), ("dhclient", "br0")),
        (("dhclient", "-H", "eth0host", "eth0"), ("dhclient", "-H", "eth0host", "br0")),
        # a folder that happens to have the device's name is no file of the client's
        (("dhclient", "-lf", "/srv/eth0/leases", "eth0"), ("dhclient", "-lf", "/srv/eth0/leases", "br0")),
        (("dhclient", "eth0", "eth0.10"), ("dhclient", "br0", "eth0.10")),
    ],
)  # fmt: skip
def test_the_client_of_the_bridge_is_the_nics_under_another_name(
    argv: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    client = Client("eth0", "dhclient", argv, 100)
    moved = client_for(client, "br0")
    assert (moved.dev, moved.program, moved.argv, moved.pid) == ("br0", "dhclient", wanted, 0)
    assert client_for(moved, "eth0") == client


def record(tmp_path: Path) -> Host:
    """A machine whose dhclient writes down how it was called."""
    path = tmp_path / "sbin" / "dhclient"
    path.parent.mkdir()
    path.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(tmp_path / 'called')!r}, 'w').write(' '.join(sys.argv[1:]))\n",
        encoding="ascii",
    )
    path.chmod(0o755)
    return Host(path=str(path.parent))


def dhclient(dev: str, leases: Path) -> Client:
    return Client(dev, "dhclient", ("dhclient", "-lf", str(leases), dev))


def test_the_new_client_gets_a_copy_of_the_lease_under_its_name_and_the_old_file_stays(
    tmp_path: Path,
) -> None:
    old = tmp_path / "dhclient.eth0.leases"
    old.write_text(LEASES, encoding="ascii")
    old.chmod(0o640)
    new = tmp_path / "dhclient.br0.leases"
    handover.start(dhclient("br0", new), "eth0", record(tmp_path))
    assert old.read_text(encoding="ascii") == LEASES
    assert new.read_text(encoding="ascii") == LEASES.replace(
        'interface "eth0";', 'interface "br0";'
    )
    assert new.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "called").read_text(encoding="ascii") == f"-lf {new} br0"
    assert {path.name for path in tmp_path.iterdir()} == {
        "dhclient.eth0.leases",
        "dhclient.br0.leases",
        "sbin",
        "called",
    }


def test_one_lease_file_for_all_devices_gets_the_bridges_leases_last(tmp_path: Path) -> None:
    leases = tmp_path / "dhclient.leases"
    leases.write_text(LEASES, encoding="ascii")
    handover.start(dhclient("br0", leases), "eth0", record(tmp_path))
    text = leases.read_text(encoding="ascii")
    assert text.startswith(LEASES)  # the way back finds the NIC's
    assert (
        text[len(LEASES) :].count('interface "br0";') == 1
        and 'interface "eth0";' not in text[len(LEASES) :]
    )
    assert 'option host-name "eth0";' in text[len(LEASES) :]


def test_one_lease_file_for_all_devices_does_not_grow_with_each_conversion(tmp_path: Path) -> None:
    leases = tmp_path / "dhclient.leases"
    leases.write_text(LEASES, encoding="ascii")
    there, host = dhclient("br0", leases), record(tmp_path)
    for _again in range(3):
        handover.start(there, "eth0", host)
        handover.start(client_for(there, "eth0"), "br0", host)
    assert leases.read_text(encoding="ascii").count("lease {") <= 6


def test_without_a_lease_the_client_simply_starts(tmp_path: Path) -> None:
    new = tmp_path / "dhclient.br0.leases"
    handover.start(dhclient("br0", new), "eth0", record(tmp_path))
    assert (tmp_path / "called").exists() and not new.exists()


def test_the_same_device_again_keeps_its_lease_file(tmp_path: Path) -> None:
    leases = tmp_path / "dhclient.eth0.leases"
    leases.write_text(LEASES, encoding="ascii")
    handover.start(dhclient("eth0", leases), "eth0", record(tmp_path))
    assert leases.read_text(encoding="ascii") == LEASES


def test_a_lease_file_that_is_no_text_goes_over_byte_by_byte(tmp_path: Path) -> None:
    old, new = tmp_path / "dhclient.eth0.leases", tmp_path / "dhclient.br0.leases"
    old.write_bytes(b'lease {\n  interface "eth0";\n  option host-name "\xff\x00\r";\n}\n')
    handover.start(dhclient("br0", new), "eth0", record(tmp_path))
    assert new.read_bytes() == old.read_bytes().replace(b'"eth0"', b'"br0"')


def test_a_lease_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "dhclient.eth0.leases").write_text(LEASES)
    (tmp_path / "dhclient.br0.leases").mkdir()
    with pytest.raises(Refused, match="Cannot give the lease of eth0") as caught:
        handover.start(dhclient("br0", tmp_path / "dhclient.br0.leases"), "eth0", record(tmp_path))
    assert "\n" not in str(caught.value) and not (tmp_path / "called").exists()


def test_what_is_started_is_the_program_of_the_systems_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, evil = record(tmp_path), tmp_path / "evil"
    evil.mkdir()
    (evil / "dhclient").write_text(f"#!/bin/sh\ntouch {tmp_path}/owned\n")
    (evil / "dhclient").chmod(0o755)
    monkeypatch.setenv("PATH", str(evil))
    handover.start(Client("br0", "dhclient", (str(evil / "dhclient"), "br0")), "br0", host)
    assert (tmp_path / "called").read_text() == "br0" and not (tmp_path / "owned").exists()


def test_a_client_is_an_ordinary_daemon_whatever_its_starter_ignores(tmp_path: Path) -> None:
    program = tmp_path / "sbin" / "dhclient"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\n(grep -E '^(SigIgn|SigBlk|Umask)' /proc/self/status; cat /proc/self/oom_score_adj; pwd) > {tmp_path}/found\n"
    )
    program.chmod(0o755)
    pid = os.fork()
    if pid == 0:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        Path("/proc/self/oom_score_adj").write_text("500")
        os.umask(0o077)
        handover.start(
            Client("br0", "dhclient", ("dhclient", "br0")), "br0", Host(path=str(program.parent))
        )
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    _umask, umask, _blocked, blocked, _ignored, ignored, score, where = (
        (tmp_path / "found").read_text().split()
    )
    assert (umask, score, where) == ("0022", "0", "/")
    assert none_in(blocked) and none_in(ignored), (blocked, ignored)


def test_a_client_that_is_not_installed_any_more_is_one_sentence(tmp_path: Path) -> None:
    client = Client("br0", "dhclient", ("dhclient", "br0"))
    with pytest.raises(MissingDependency) as caught:
        handover.start(client, "br0", Host(path=str(tmp_path)))
    assert "\n" not in str(caught.value) and "install isc-dhcp-client" in str(caught.value)


def test_a_client_that_can_not_be_executed_is_one_sentence(tmp_path: Path) -> None:
    host = record(tmp_path)
    program = Path(host.path, "dhclient")
    program.write_text("#!/nowhere/python\n", encoding="ascii")
    with pytest.raises(MissingDependency) as caught:
        handover.start(Client("br0", "dhclient", ("dhclient", "br0")), "br0", host)
    assert str(caught.value).startswith(f"Cannot start {program} for br0: No such file")


def test_a_lease_that_can_not_be_copied_is_one_sentence(tmp_path: Path) -> None:
    host = record(tmp_path)
    (tmp_path / "dhclient.eth0.leases").write_text(LEASES, encoding="ascii")
    new = tmp_path / "dhclient.br0.leases"
    new.mkdir()
    with pytest.raises(Refused) as caught:
        handover.start(dhclient("br0", new), "eth0", host)
    assert "Cannot give the lease of eth0 to the dhclient of br0" in str(caught.value)
    assert not (tmp_path / "called").exists()


READY = (
    "import signal; signal.signal(signal.SIGTERM, signal.{}); print('ready', flush=True); input()"
)


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """A function that starts a process as a client of the host, or C(own=False) as one that only looks like it; C(title) is its first word."""
    folder = tmp_path / "sbin"
    folder.mkdir()
    for name in ("dhclient", "dhcpcd"):
        shutil.copy2(os.path.realpath(sys.executable), folder / name)
    started: list[subprocess.Popen] = []

    def start(
        own: bool = True, handler: str = "SIG_DFL", title: str = "dhclient"
    ) -> subprocess.Popen:
        program = folder / title.partition(":")[0]
        child = subprocess.Popen(
            [title, "-c", READY.format(handler), "eth0"], executable=program if own else sys.executable,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONHOME": sys.base_prefix},
        )  # fmt: skip
        started.append(child)
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        return child

    yield start
    for child in started:
        child.kill()
        child.communicate()


def here(tmp_path: Path) -> Host:
    return Host(path=str(tmp_path / "sbin"), root=os.getuid())


def test_a_client_is_ended_by_sigterm_and_waited_for_and_a_lookalike_is_not(
    tmp_path: Path, real: Callable[..., subprocess.Popen]
) -> None:
    child, other = real(), real(own=False)
    (client,) = holders.clients(("eth0",), here(tmp_path))
    assert (client.argv, client.pid) == (("dhclient", "eth0"), child.pid)
    assert "-c" in client.left
    handover.stop(client, host=here(tmp_path))
    assert child.wait(5) == -15 and other.poll() is None


def test_who_has_the_clients_number_by_now_is_not_ended(
    tmp_path: Path, real: Callable[..., subprocess.Popen]
) -> None:
    other = real(own=False)
    handover.stop(Client("eth0", "dhclient", ("dhclient", "eth0"), other.pid), host=here(tmp_path))
    assert other.poll() is None


def test_a_client_that_is_gone_already_is_no_trouble(tmp_path: Path) -> None:
    handover.stop(Client("eth0", "dhclient", ("dhclient", "eth0"), 1), host=here(tmp_path))


def test_a_client_that_does_not_end_is_said_by_number(
    tmp_path: Path, real: Callable[..., subprocess.Popen]
) -> None:
    child = real(handler="SIG_IGN")
    (client,) = holders.clients(("eth0",), here(tmp_path))
    with pytest.raises(DeadlineExceeded, match=str(child.pid)):
        handover.stop(client, 0.1, here(tmp_path))


def test_a_client_of_several_processes_is_ended_with_all_that_its_session_runs(
    tmp_path: Path, real: Callable[..., subprocess.Popen]
) -> None:
    head = real(title="dhcpcd: [privileged proxy] eth0 [ip4]")
    family = real(title="dhcpcd: [network proxy] eth0 [ip4]")
    other = real(own=False, title="dhcpcd: [network proxy] eth0 [ip4]")
    (client,) = holders.clients(("eth0",), here(tmp_path))
    assert client.argv == ("dhcpcd", "-4", "eth0")
    handover.stop(client, host=here(tmp_path))
    assert (head.wait(5), family.wait(5), other.poll()) == (-9, -9, None)
