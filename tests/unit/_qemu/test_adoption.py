# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd is asked for when it takes over a guest's process; what it does then is seen in tests/faults/lab/test_h_adopted.py."""

from __future__ import annotations

import dataclasses
import itertools
import os
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence
from unittest.mock import Mock

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._host import procfs, systemd
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import Done
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import adoption, scopes

SCOPE = "hypervisor-network-guest-vm1.scope"
HELPER = "hypervisor-network-guest-vm1-stop.service"


class Programs:
    """busctl and systemd-run, which write down what they are asked, and do something meanwhile."""

    def __init__(self, *answers: Done | OSError) -> None:
        self.asked: list[list[str]] = []
        self.answers = Mock(side_effect=itertools.chain(answers, itertools.repeat(Done(0))))
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self, words: Sequence[str], seconds: float) -> Done:
        self.asked.append(list(words))
        self.meanwhile()
        return self.answers()


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as made:
        yield made
        made.kill()


def identity(process: subprocess.Popen[bytes]) -> procfs.Identity:
    who = procfs.Process(process.pid).identity()
    assert who is not None
    return who


def adopt(run: Programs, who: procfs.Identity, *beside: procfs.Identity) -> None:
    stop, none = ["/bin/monitor", "stop"], "/nowhere/start.env"
    adoption.adopt("vm1", who, beside, "nobody", stop, 2.5, none, run, "/bin/{}".format)


def test_its_processes_become_a_scope_that_is_stopped_after_the_guest_was_asked(
    process: subprocess.Popen[bytes],
) -> None:
    run, own = Programs(), procfs.Process(os.getpid()).identity()
    assert own is not None
    adopt(run, identity(process), own, dataclasses.replace(own, start_time=1))
    scope, helper = map(" ".join, run.asked)
    # one of another time is nobody
    assert (
        f"{SCOPE} fail 7 PIDs au 2 {process.pid} {os.getpid()} Description s QEMU guest vm1"
        in scope
    )
    assert "After as 1 network.target CollectMode s inactive-or-failed" in scope
    told = dict(word[11:].split("=", 1) for word in run.asked[1] if word.startswith("--property="))
    assert run.asked[1][0] == "/bin/systemd-run" and f"--unit={HELPER}" in run.asked[1]
    assert told["ExecStop"] == "/bin/monitor stop ${HVN_GRACE}"
    assert told["Environment"] == "HVN_GRACE=3"
    assert told["EnvironmentFile"] == "-/nowhere/start.env"
    assert told["BindsTo"] == SCOPE and told["User"] == "nobody"
    assert told["After"].split() == [SCOPE, "network.target"] and int(told["TimeoutStopSec"]) > 3


def test_a_number_that_names_another_process_is_not_taken(
    process: subprocess.Popen[bytes],
) -> None:
    run = Programs()
    with pytest.raises(
        GuestError, match="vm1 ended while systemd took it over; run the task again"
    ):
        adopt(run, dataclasses.replace(identity(process), start_time=1))
    assert run.asked == []


def test_one_that_ends_meanwhile_has_nobody_who_would_ask_it(
    process: subprocess.Popen[bytes],
) -> None:
    run = Programs()

    def end() -> None:
        process.kill()
        process.wait()

    run.meanwhile = end
    with pytest.raises(GuestError, match="ended while"):
        adopt(run, identity(process))
    assert [asked[0] for asked in run.asked] == ["/bin/busctl"]


def test_one_that_is_in_it_gets_what_asks_it_where_that_is_missing(
    process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scopes, "is_within", lambda *_asked: True)
    run = Programs()
    adopt(run, identity(process))
    assert [asked[0] for asked in run.asked] == ["/bin/systemd-run"]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (
            [Done(1, "", "Call failed: no such\n")] * 2,
            f"not make {SCOPE} .busctl: Call failed: no such",
        ),
        ([Done(0), OSError(110, "timed out")], f"not make {HELPER} .systemd-run: timed out"),
        ([Done(0), Done(3)], "systemd-run: exit status 3"),
    ],
)
def test_a_systemd_that_does_not_want_to(
    process: subprocess.Popen[bytes], answers: list[Any], why: str
) -> None:
    with pytest.raises(GuestError, match=why):
        adopt(Programs(*answers), identity(process))


def test_a_host_without_its_programs(process: subprocess.Popen[bytes]) -> None:
    with pytest.raises(GuestError, match="busctl: it is missing"):
        adoption.adopt(
            "vm1", identity(process), [], "nobody", [], 1, "/", Programs(), lambda _name: None
        )


def test_what_would_ask_the_next_guest_is_waited_for(tmp_path: Path) -> None:
    run = Programs(Done(5, "", "not loaded"))
    manager = systemd.Manager(run, "/bin/{}".format, str(tmp_path))
    adoption.leave(manager, "vm1", str(tmp_path))
    assert run.asked == []
    (tmp_path / HELPER).touch()
    adoption.leave(manager, "vm1", str(tmp_path))
    assert run.asked[0][-2:] == ["stop", HELPER]
