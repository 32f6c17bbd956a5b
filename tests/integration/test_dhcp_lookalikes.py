# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that only look like the NIC's DHCP client: a local user's, a container's. They are told, get nothing, and stop nothing."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import pytest

from ansible_collections.hypervisor.network.tests.conftest import needs_root
from ansible_collections.hypervisor.network.tests.harness.net.dhcp import DhcpHost, dhcp_lan
from ansible_collections.hypervisor.network.tests.harness.net.lan import lan
from ansible_collections.hypervisor.network.tests.harness.net.netns import run

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
PERL = ("perl", "-e", "$|=1; print qq(up\\n); sleep 300", "--")


@contextmanager
def running(netns: str, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A process in a namespace's network that has begun when this is entered, and is gone afterwards."""
    words = ["nsenter", f"--net=/run/netns/{netns}", *command]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None and child.stdout.readline() == "up\n"
            yield child
        finally:
            child.kill()


def as_if(title: str, *arguments: str, who: tuple[str, ...] = NOBODY) -> tuple[str, ...]:
    """The words that start perl under another name."""
    return (*who, "bash", "-c", 'exec -a "$0" "$@"', title, *PERL, *arguments)


def warned(result: dict[str, Any]) -> list[str]:
    """The warnings as text: newer releases of ansible-core tell them as events."""
    return [
        one if isinstance(one, str) else one["event"]["msg"] for one in result.get("warnings", [])
    ]


def lookalikes(result: dict[str, Any]) -> list[str]:
    return [line for line in warned(result) if "calls itself" in line]


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Path]:
    """A folder anybody can read, with programs that tell when somebody runs them."""
    needs_root()
    folder = Path("/tmp") / f"hn-trap-{tmp_path.parent.name}-{tmp_path.name}"
    folder.mkdir(mode=0o755)
    for name in ("dhclient", "udhcpc", "dhcpcd", "script"):
        (folder / name).write_text(f'#!/bin/sh\necho "$0 $(id -u)" >> {folder}/ran\n')
        (folder / name).chmod(0o755)
    yield folder
    shutil.rmtree(folder)


LIKE = {
    "dhclient": (("DIR/dhclient", "eth0"), "dhclient"),
    "dhclient with a script": (("/sbin/dhclient", "-sf", "DIR/script", "eth0"), "dhclient"),
    "udhcpc": (("udhcpc", "-i", "eth0", "-s", "DIR/script"), "udhcpc"),
    "dhcpcd": (("dhcpcd: eth0 [ip4]",), "dhcpcd"),
    "dhcpcd's part that is root's": (("dhcpcd: [privileged proxy] eth0 [ip4]",), "dhcpcd"),
    "an old dhcpcd": (("DIR/dhcpcd", "-c", "DIR/script", "eth0"), "dhcpcd"),
}


@pytest.mark.parametrize("dhcp", [True, False], ids=["leased", "static"])
@pytest.mark.parametrize("like", LIKE)
def test_a_local_users_lookalike_is_told_and_neither_stopped_nor_started(
    run_module: Any, trap: Path, like: str, dhcp: bool
) -> None:
    words, name = LIKE[like]
    words = tuple(word.replace("DIR", str(trap)) for word in words)
    with dhcp_lan() if dhcp else lan(echo=False) as made:
        host = made.lan.host if isinstance(made, DhcpHost) else made.host
        with running(host, *as_if(*words)) as child:
            for state in ("present", "absent"):
                options = {"name": "eth0", "bridge": "br0", "guard_timeout": 0, "state": state}
                result = run_module("bridge_uplink", options, host)
                assert not result["failed"], result
                (told,) = lookalikes(result)
                assert f"The process {child.pid} calls itself {name} of eth0" in told
                assert "it runs as nobody, not as root" in told
                assert child.poll() is None
                again = run_module("bridge_uplink", options, host)
                assert again["changes"] == [] and lookalikes(again) == [told]
        if isinstance(made, DhcpHost):
            ((program, *_words),) = made.clients()
            assert program == "/usr/sbin/dhclient"
    assert not (trap / "ran").exists()


def test_a_real_clients_other_script_and_configuration_stay_behind(
    run_module: Any, trap: Path
) -> None:
    """dhclient of root with a script in somebody's home: its successor has the distribution's."""
    (trap / "script").write_text(
        f'#!/bin/sh\necho "$reason $interface" >> {trap}/ran\nexec /sbin/dhclient-script\n'
    )
    with dhcp_lan() as made:
        host = made.lan.host
        (pid,) = [one for one in run("ip", "netns", "pids", host).split() if _is(one, "dhclient")]
        run("kill", pid)
        command = made.client_command()
        run(
            "nsenter", f"--net=/run/netns/{host}", *command[:-1], "-sf", str(trap / "script"), command[-1]
        )  # fmt: skip
        before = (trap / "ran").read_text()
        assert "eth0" in before
        options = {"name": "eth0", "bridge": "br0", "guard_timeout": 0}
        result = run_module("bridge_uplink", options, host)
        assert not result["failed"], result
        assert [line for line in warned(result) if f"-sf {trap}/script" in line]
        assert "br0" not in (trap / "ran").read_text()
        ((program, *words),) = made.clients()
        assert program == "/usr/sbin/dhclient" and "-sf" not in words and words[-1] == "br0"
        assert made.server_says("DHCPRELEASE") == []
        assert run_module("bridge_uplink", options, host)["changes"] == []


def test_a_client_with_other_files_is_a_containers(run_module: Any) -> None:
    """A real dhclient of root in a mount namespace of its own: it is told, and its lease is nobody's that could be handed over."""
    with dhcp_lan() as made:
        host = made.lan.host
        (pid,) = [one for one in run("ip", "netns", "pids", host).split() if _is(one, "dhclient")]
        run("kill", pid)
        run("ip", "netns", "exec", host, *made.client_command())
        options = {"name": "eth0", "bridge": "br0", "guard_timeout": 0}
        result = run_module("bridge_uplink", options, host)
        assert result["failed"] and "no DHCP client" in result["msg"]
        result = run_module("bridge_uplink", {**options, "allow_address_change": True}, host)
        assert not result["failed"] and "it sees other files" in lookalikes(result)[0], result
        assert len(made.clients()) == 1


def _is(pid: str, name: str) -> bool:
    return Path("/proc", pid, "comm").read_text().strip() == name
