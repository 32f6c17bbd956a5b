# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes of the machine below the network: files, users, processes, DHCP clients, ifupdown."""

from __future__ import annotations

import fcntl
import os
import pwd
from types import SimpleNamespace
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import handover
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._host import (
    as_user,
    files,
    process,
)
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import apply as stanzas
from ansible_collections.hypervisor.network.plugins.module_utils._link import tuntap

from . import stage as stages
from .stage import Stage, scene


def account(name: str = "hnet-qemu", uid: int = 990) -> pwd.struct_passwd:
    """A user of the host."""
    return pwd.struct_passwd((name, "x", uid, uid, "", "/nonexistent", "/usr/sbin/nologin"))


def failing(error: str) -> Any:
    """A function of the kernel that fails with this errno."""

    def fails(*_arguments: Any, **_named: Any) -> Any:
        raise stages.failure(error)

    return fails


@scene
def without_become(stage: Stage) -> None:
    """A file is to be looked at as the guest's user, and this user may not become it."""
    stage.patch.setattr(as_user.os, "geteuid", lambda: 1000)
    stage.patch.setattr(as_user.os, "getgrouplist", lambda _name, _gid: [])
    stage.patch.setattr(as_user.os, "setgroups", failing("EPERM"))
    with as_user.acting_as(account()):
        """It has become it."""


@scene
def configuration_file(stage: Stage, names: int = 1, owner: int = 0) -> None:
    """A file is to be replaced that has that many hard links, or that owner."""
    stage.patch.setattr(files.os, "geteuid", lambda: 0)
    found = SimpleNamespace(st_nlink=names, st_uid=owner)
    files._refuse_owner_and_links("/etc/network/interfaces", found)  # type: ignore[arg-type]


@scene
def another_writer(stage: Stage) -> None:
    """Another run holds the lock of the directory."""
    stage.put({"/etc/network": None})
    directory = str(stage.top / "etc/network")
    held = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        files.replace((), directory)
    finally:
        os.close(held)


@scene
def written_meanwhile(stage: Stage, read: str, holds: str) -> None:
    """A file is to be replaced that does not hold any more what was read."""
    stage.put({"/etc/network/interfaces": holds})
    path = str(stage.top / "etc/network/interfaces")
    files.replace([files.Edit(path, read.encode(), b"")], os.path.dirname(path))


@scene
def program_not_started(_stage: Stage, program: str) -> None:
    """A guest's program can't be executed."""
    me = pwd.getpwuid(os.geteuid())
    with open(os.devnull, "wb") as null:
        process.spawn([program], {}, null.fileno(), me, lambda _who: None)


def _client(stage: Stage, there: bool = True) -> tuple[Client, handover.Host]:
    """dhclient of br0, on a host where that is installed."""
    path = str(stage.top / "sbin")
    if there:
        stage.put({"/sbin/dhclient": "#!/bin/sh\n"})
        (stage.top / "sbin/dhclient").chmod(0o755)
    return Client("br0", "dhclient", ("dhclient", "br0"), 4711), handover.Host(path=path)


@scene
def dhcp_client_missing(stage: Stage) -> None:
    client, host = _client(stage, there=False)
    handover.start(client, "eth0", host)


@scene
def lease_not_written(stage: Stage, error: str) -> None:
    """The file of the lease can't be written where the client of br0 looks for it."""
    client, _host = _client(stage)
    program = SimpleNamespace(name="dhclient", package="isc-dhcp-client", prepare=failing(error))
    stage.patch.setattr(
        handover.programs, "files_of", lambda _program, _path: ["/usr/sbin/dhclient"]
    )
    handover.start(client, "eth0", handover.Host(programs={"dhclient": program}))  # type: ignore[dict-item]


@scene
def dhcp_client_not_started(stage: Stage, error: str) -> None:
    client, host = _client(stage)
    stage.patch.setattr(handover, "run_daemon", failing(error))
    program = host.programs["dhclient"]
    stage.patch.setattr(type(program), "prepare", lambda *_asked: [])
    handover.start(client, "eth0", host)


@scene
def dhcp_client_lives_on(stage: Stage) -> None:
    """A client that does not end when it is told to."""
    client, host = _client(stage)
    who = SimpleNamespace(pid=4711, identity=lambda: 4711)
    stage.patch.setattr(handover, "_family", lambda _client, _host: [who])
    procfs = SimpleNamespace(
        pidfd=lambda _who: os.open(os.devnull, os.O_RDONLY),
        signal_to=lambda _handle, _number: None,
        ended=lambda _handle, _seconds: False,
    )
    stage.patch.setattr(handover, "procfs", procfs)
    handover.stop(client, host=host)


@scene
def boot_line(stage: Stage, options: Mapping[str, list[str]], says: str) -> None:
    """The host's iproute2 is asked whether it knows an option, and says that."""
    wish = SimpleNamespace(name="br0", options=options)
    stanzas._ask_iproute2(wish, lambda _question: says)  # type: ignore[arg-type]


@scene
def tap_refused(_stage: Stage, error: str) -> None:
    """tap1 is to be made, and the driver refuses it."""
    options = {"mode": "tap", "pi": False, "multi_queue": False, "vnet_hdr": False}
    tuntap.configure(
        "tap1", options, failing(error), lambda _path, _flags: os.open(os.devnull, os.O_RDONLY)
    )


@scene
def tap_driver(_stage: Stage, error: str) -> None:
    """/dev/net/tun can't be opened."""
    tuntap.opened(0, failing(error))
