# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which daemon is asked what: only one that runs, and none is started."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Link
from ansible_collections.hypervisor.network.plugins.module_utils._info import lldp

from .test_lldp_words import LLDPD, NETWORKD, SWITCH, frame, kept

LINKS = [Link("eth0", 2), Link("eth1", 3)]
Put = Callable[[str, bytes], Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """A function that puts a file below the root."""

    def write(path: str, data: bytes = b"") -> Path:
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return target

    return write


def never(*_words: Any) -> Any:
    raise AssertionError("nobody is to be asked")


def test_where_no_daemon_runs_nobody_is_asked(tmp_path: Path, put: Put) -> None:
    put("run/systemd/netif/lldp/2", kept(frame()))  # a daemon's that has ended
    put("run/systemd/netif/io.systemd.Network", b"")  # a socket that would start it
    assert lldp.heard(LINKS, str(tmp_path), never, never) == {}


@pytest.mark.parametrize("path", ["run/lldpd.socket", "run/lldpd/lldpd.socket"])
def test_lldpd_is_asked_where_it_has_its_socket(tmp_path: Path, put: Put, path: str) -> None:
    put(path, b"")
    asked: list[Any] = []
    found = lldp.heard(
        LINKS, str(tmp_path), lambda words: asked.append(words) or json.dumps(LLDPD), never
    )
    assert found == {"eth0": [SWITCH]} and asked == [("lldpctl", "-f", "json0")]
    assert lldp.heard(LINKS, str(tmp_path), lambda _words: None, never) == {}


def test_what_networkd_keeps_in_files_is_read_and_lldpd_s_word_goes_before_it(
    tmp_path: Path, put: Put
) -> None:
    put("sys/fs/cgroup/system.slice/systemd-networkd.service/cgroup.procs", b"71\n")
    put("run/systemd/netif/lldp/3", kept(frame(system=b"sw2")))
    put("run/systemd/netif/lldp/2", kept(frame(system=b"sw2")))
    put("run/lldpd.socket", b"")
    found = lldp.heard(LINKS, str(tmp_path), lambda _words: json.dumps(LLDPD), never)
    assert found == {"eth0": [SWITCH], "eth1": [{**SWITCH, "system": "sw2"}]}


def test_a_newer_networkd_is_asked_over_its_socket(tmp_path: Path, put: Put) -> None:
    put("sys/fs/cgroup/system.slice/systemd-networkd.service/cgroup.procs", b"71\n")
    path = put("run/systemd/netif/io.systemd.Network", b"")
    path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
        daemon.bind(str(path))
        daemon.listen()
        asked: list[bytes] = []

        def answer() -> None:
            line, _address = daemon.accept()
            with line:
                asked.append(line.recv(4096))
                text = json.dumps(NETWORKD).encode() + b"\0"
                line.sendall(text[:20])
                line.sendall(text[20:])

        thread = threading.Thread(target=answer)
        thread.start()
        assert lldp.heard(LINKS, str(tmp_path), never) == {"eth0": [SWITCH]}
        thread.join()
    assert json.loads(asked[0][:-1])["method"] == "io.systemd.Network.GetLLDPNeighbors"
    # now nobody listens there
    assert lldp.heard(LINKS, str(tmp_path), never) == {}


def test_a_daemon_that_hangs_up_has_told_nothing(tmp_path: Path, put: Put) -> None:
    put("sys/fs/cgroup/system.slice/systemd-networkd.service/cgroup.procs", b"71\n")
    path = put("run/systemd/netif/io.systemd.Network", b"")
    path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
        daemon.bind(str(path))
        daemon.listen()

        def hang_up() -> None:
            line, _address = daemon.accept()
            line.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert lldp.heard(LINKS, str(tmp_path), never) == {}
        thread.join()
