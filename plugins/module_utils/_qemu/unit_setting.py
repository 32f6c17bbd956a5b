# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest's definition, and what the host is like, as the setting of its unit: the one look that both supervisors take, written down for systemd."""

from __future__ import annotations

import json
import os
import pwd
import sys
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    cmdline,
    hotplug,
    needs,
    rundir,
    slots,
    unit_file,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.companions import TPM
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.files import Fittings

_TRANSLATED = 64  # MiB of translated code
_PYTHON = "/usr/bin/python3"


def of(
    name: str,
    spec: Mapping[str, Any],
    directory: rundir.RunDirectory,
    user: pwd.struct_passwd,
    accel: str,
    fitted: Fittings,
) -> unit_file.Setting:
    """The setting of a guest's unit. Raises Refused where one of its files cannot be used, MissingDependency."""
    files = needs.look(name, spec, user).files(spec)
    launch = cmdline.Launch(
        needs.program(spec["emulator"]),
        accel,
        directory.pidfile,
        files,
        fitted=fitted,
        monitors=directory.sockets,
        slots=slots.on_record(directory.definition(), fitted.machine),
    )
    words = cmdline.argv(name, spec, launch)
    if accel == "tcg" and spec.get("memory_max") is not None:
        # it would fill a GiB by and by, and be ended for that
        words[words.index("-accel") + 1] += f",tb-size={_TRANSLATED}"
    written = [files.images[disk["path"]].path for disk in spec["disks"] if not disk["read_only"]]
    written += [files.paths[option] for option in ("serial_log", "vnc") if option in files.paths]
    written += [path for what, path in fitted.paths.items() if what != TPM]
    vhost = any(nic["vhost"] for nic in spec["nics"]) or spec.get("vsock") is not None
    devices = accel == "kvm" or vhost
    return unit_file.Setting(
        user.pw_name,
        words,
        program(directory.root, "monitor.py"),
        directory.public,
        directory.trusted,
        _log(files.paths.get("serial_log"), directory.root),
        # a boot of the host has nobody else to say it
        json.dumps(hotplug.at_start(spec)) if hotplug.at_start(spec) else "",
        sorted({unit_file.folder(path) for path in written}),
        files.every(),
        devices and needs.has_kvm_group(),
    )


def program(root: str, name: str) -> list[str]:
    """The words that run one of the programs that units need, with Python alone."""
    python = _PYTHON if os.path.exists(_PYTHON) else os.path.abspath(sys.executable)
    return [python, "-I", os.path.join(rundir.programs(root), name)]


def _log(path: str | None, root: str) -> list[str]:
    """The words that begin the writer of a serial_log before QEMU."""
    return [] if path is None else [*program(root, "serial_log.py"), path, str(cmdline.SERIAL_FD)]
