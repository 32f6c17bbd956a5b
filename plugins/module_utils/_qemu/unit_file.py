# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. A guest as units of systemd: the template that all have in common, and what is particular to one, in a drop-in of its own.

::

    hypervisor-network-guests.target          begins after the boot, which never waits for a guest; what is enabled hangs on it
    hypervisor-network-guests@N.target        reached when the guests of start_order N are started
    hypervisor-network-guest@NAME.service     QEMU itself is its main process
    hypervisor-network-guest@NAME.service.d/guest.conf
    hypervisor-network-tpm@NAME.service       its TPM, where it has one (unit_tpm.py)

Sources: systemd.exec(5), systemd.service(5), systemd.syntax(7). What is in the template was tried with systemd 252 and 257; each line that is
missing from it, such as PrivateDevices=, MemoryDenyWriteExecute= or ~@resources, ends QEMU on one of them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._host import places
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import unit_sandbox, unit_tpm
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.supervision import (
    stop_seconds,
)

TARGET = "hypervisor-network-guests.target"
ORDER = "hypervisor-network-guests@.target"
TEMPLATE = "hypervisor-network-guest@.service"
DROP_IN = "guest.conf"
# Of the environment file of one start: its delay, and what makes it begin paused
PAUSED, DELAY, GRACE = "HVN_PAUSED", "HVN_DELAY", "HVN_GRACE"
# Beyond the guest's own time ExecStop= has this long, or the unit is failed and its guest killed; at a shutdown those of all guests begin at once
_MARGIN = 45
_START_SECONDS = 90
_PLAIN = re.compile(r"[A-Za-z0-9_/.:=,+@-]+")
_UNIT_PLAIN = re.compile(r"[A-Za-z0-9:_.]")
_HOMES = ("/home", "/root", "/run/user")
_TEMPORARY = ("/tmp", "/var/tmp")

TARGET_TEXT = f"""{unit_sandbox.MARK}
[Unit]
Description=QEMU guests that begin with the host (hypervisor.network)
Documentation=https://github.com/hypervisor-network/hypervisor.network
# Not a part of the boot: a guest that waits for its tap holds nobody up
DefaultDependencies=no
After=multi-user.target
Conflicts=shutdown.target
Before=shutdown.target

[Install]
WantedBy=multi-user.target
"""

ORDER_TEXT = f"""{unit_sandbox.MARK}
[Unit]
Description=QEMU guests with start_order %i (hypervisor.network)
Documentation=https://github.com/hypervisor-network/hypervisor.network
DefaultDependencies=no
StopWhenUnneeded=yes
Conflicts=shutdown.target
Before=shutdown.target
"""

TEMPLATE_TEXT = f"""{unit_sandbox.MARK}
[Unit]
Description=QEMU guest %i (hypervisor.network)
Documentation=https://github.com/hypervisor-network/hypervisor.network
# So that guests are down before the network is; it does not wait for a tap, the drop-in does
After=network.target
# A run that starts it again and again is asked to
StartLimitIntervalSec=0
# A guest of that name that is a plain process: its monitors would be taken from it
AssertPathExists=!{places.RUN}/.%i/process.json
# Its disks got other images, by a run that did not come to write this unit again: what the guest wrote to the former would ruin the latter
AssertPathExists=!{places.KEPT}/units/%i.hold

[Service]
Type=exec
Slice=machine.slice
KillMode=mixed
Restart=no
RuntimeDirectory={places.RUN[len("/run/") :]}/%i
RuntimeDirectoryMode=0700
UMask=0177
{unit_sandbox.SERVICE_LINES}Environment={PAUSED}= {DELAY}=0
DeviceAllow=/dev/net/tun rw
DeviceAllow=/dev/kvm rw
DeviceAllow=/dev/vhost-net rw
{unit_sandbox.SANDBOX}
[Install]
WantedBy={TARGET}
"""


@dataclass(frozen=True)
class Setting:
    """What only the host could tell of a unit: the user, QEMU's command line, the programs that begin and stop it and write its log, and where its files are.

    C(monitor) are the words of the program that asks the guest's monitor, C(log) those of the one that begins the writer of a serial_log. C(first) is what
    the guest takes over before its first instruction, as JSON; empty where there is nothing.
    C(writable) are directories that QEMU writes into, C(used) all paths that it opens. C(kvm) says that there is a group of that name which it needs.
    """

    user: str
    words: Sequence[str]
    monitor: Sequence[str]
    public: str
    trusted: str
    log: Sequence[str] = ()
    first: str = ""
    writable: Sequence[str] = ()
    used: Sequence[str] = ()
    kvm: bool = False


def unit(name: str) -> str:
    """The unit of a guest."""
    return f"hypervisor-network-guest@{name}.service"


def drop_in(spec: Mapping[str, Any], setting: Setting) -> str:
    """The text of what is particular to one guest. Raises BadInput where a word cannot be written down."""
    grace = math.ceil(stop_seconds(spec))
    lines = [unit_sandbox.MARK, "[Unit]", *_order(spec)]
    if spec.get("tpm"):
        lines += unit_tpm.NEEDED
    for nic in spec["nics"] if spec.get("netns") is None else ():
        device = escaped_path(f"/sys/subsystem/net/devices/{nic['tap']}") + ".device"
        # BindsTo= would end the guest with a tap that is only made anew
        lines += [f"Wants={device}", f"After={device}"]
    lines += ["", "[Service]", f"User={setting.user}"]
    if setting.kvm:
        lines.append("SupplementaryGroups=kvm")
    if spec.get("vsock") is not None:
        lines.append("DeviceAllow=/dev/vhost-vsock rw")
    if spec.get("netns") is not None:
        lines.append(f"NetworkNamespacePath={_file('/run/netns/' + spec['netns'])}")
    if spec.get("start_delay"):
        lines += [
            f"Environment={DELAY}={spec['start_delay']}",
            f"ExecStartPre=/usr/bin/sleep ${{{DELAY}}}",
        ]
    lines += [
        f"Environment={GRACE}={grace}",
        f"EnvironmentFile=-{_file(f'{setting.trusted}/start.env')}",
        f"TimeoutStartSec={_START_SECONDS + spec.get('start_delay', 0)}",
        f"TimeoutStopSec={grace + _MARGIN}",
    ]
    lines += [f"ReadWritePaths={_word(f'-{path}', '')}" for path in setting.writable]
    if any(_below(path, _HOMES) for path in setting.used):
        lines.append("ProtectHome=read-only")
    if any(_below(path, _TEMPORARY) for path in setting.used):
        lines.append("PrivateTmp=no")
    lines += [f"{key}={value}" for key, value in limits(spec).items()]
    held = ["-S"] if setting.first else []
    lines.append(f"ExecStart={_command([*setting.log, *setting.words, *held])} ${PAUSED}")
    if setting.first:
        begin = [*setting.monitor, "begin", setting.public, setting.first]
        lines.append(f"ExecStartPost={_command(begin)} ${PAUSED}")
    stop = [*setting.monitor, "stop", setting.public]
    lines.append(f"ExecStop={_command(stop)} ${{{GRACE}}}")
    return "\n".join(lines) + "\n"


def limits(spec: Mapping[str, Any]) -> dict[str, str]:
    """The properties of a unit's cgroup, of which it has those that are asked for."""
    found = {}
    if spec.get("memory_max") is not None:
        found["MemoryMax"] = f"{spec['memory_max']}M"
    if spec.get("cpu_quota") is not None:
        found["CPUQuota"] = f"{spec['cpu_quota']}%"
    if spec.get("cpu_weight") is not None:
        found["CPUWeight"] = str(spec["cpu_weight"])
    if spec.get("cpu_affinity") is not None:
        found["AllowedCPUs"] = " ".join(spec["cpu_affinity"])
    return found


def start_environment(paused: bool, grace: float | None = None) -> str:
    """The environment file of a start that somebody waits for: it is not delayed as at boot."""
    lines = [f"{DELAY}=0"]
    if paused:
        lines.append(f"{PAUSED}=-S")
    if grace is not None:
        lines.append(f"{GRACE}={grace:g}")
    return "\n".join(lines) + "\n"


def escaped_path(path: str) -> str:
    """A path as part of a unit's name (systemd.unit(5), "String Escaping for Inclusion in Unit Names")."""
    plain = "/".join(part for part in path.split("/") if part)
    found = []
    for at, byte in enumerate(plain.encode()):
        letter = chr(byte)
        if letter == "/":
            found.append("-")
        elif _UNIT_PLAIN.fullmatch(letter) and not (at == 0 and letter == "."):
            found.append(letter)
        else:
            found.append(f"\\x{byte:02x}")
    return "".join(found)


def _order(spec: Mapping[str, Any]) -> Iterable[str]:
    place = spec.get("start_order")
    if place is None:
        return
    before = [ORDER.replace("@", f"@{number}") for number in range(1, place)]
    own = ORDER.replace("@", f"@{place}")
    yield f"Wants={own}"
    yield f"Before={own}"
    if before:
        yield f"After={' '.join(before)}"


def _command(words: Iterable[str]) -> str:
    return " ".join(_word(word) for word in words)


def _word(word: str, dollar: str = "$$") -> str:
    """One word of a command line or of a list of paths, in which systemd shall find nothing to expand.

    C(dollar) is how a dollar is written: doubled in a command line, as it is (empty here) elsewhere.
    """
    try:
        word.encode("utf-8")
    except UnicodeEncodeError:
        raise BadInput(
            f"{word!r} is no text of UTF-8, which the unit of a guest is written in; give the file another name."
        ) from None
    found = word.replace("%", "%%")
    if dollar:
        found = found.replace("$", dollar)
    if _PLAIN.fullmatch(found):
        return found
    return '"' + found.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _file(path: str) -> str:
    """A path that is a whole value: nothing in it is quoted, only specifiers are expanded."""
    return path.replace("%", "%%")


def _below(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def folder(path: str) -> str:
    """The directory that a path is in, as ReadWritePaths= gets it."""
    return path.rpartition("/")[0] or "/"
