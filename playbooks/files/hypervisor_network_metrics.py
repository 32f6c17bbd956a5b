# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a file for the textfile collector of Prometheus' node exporter: bridges, taps, guests and guarded changes of this host.

    hypervisor_network_metrics.py FOLDER

A timer of systemd runs it on the hypervisor, so it wants nothing but Python and iproute2. It reads and asks, and writes that one file. Names of
devices are bytes that anybody may have chosen. Where it can't tell all, it ends with an error and leaves the file, whose age then tells.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any, Callable, Iterator, Mapping, Sequence

FILE = "hypervisor_network.prom"
RUN, KEPT = "/run/hypervisor-network", "/var/lib/hypervisor-network"
_PREFIX = "hypervisor_network_"
_TIMEOUT = 20.0
_TOLD = ("running", "stopped", "crashed")
# the states of a guarded change, the last word first
_ENDED = ("confirmed", "rolled-back", "rollback-failed")
_PENDING = ("rolling-back", "undoing", "applied", "armed")
_RUNS = ("active", "activating", "deactivating", "reloading")
Sample = tuple[str, Mapping[str, str], float]
# What iproute2 calls it, as a metric with a label
_TREE = (
    ("port_stp_transitions_total", "to", "forwarding", "transition_fwd"),
    ("port_stp_transitions_total", "to", "blocking", "transition_blk"),
    ("port_stp_change_notifications_total", "direction", "received", "rx_tcn"),
    ("port_stp_change_notifications_total", "direction", "sent", "tx_tcn"),
)
# name: (type, help)
METRICS = {
    "bridge_fdb_learned_entries": ("gauge", "MACs that a bridge has learned."),
    "bridge_fdb_learned_limit": ("gauge", "How many MACs a bridge may learn, where it has a limit (fdb_max_learned)."),
    "bridge_stp_topology_change": ("gauge", "Whether a bridge's spanning tree is just changing, and it forgets MACs sooner."),
    "port_stp_transitions_total": ("counter", "How often the spanning tree had a port of a bridge forward or block."),
    "port_stp_change_notifications_total": ("counter", "Notifications of a changed spanning tree that a port of a bridge sent or received."),
    "tap_dropped_packets_total": ("counter", "Packets that a tap dropped: from_guest those that its guest sent, to_guest those that its guest did not take."),
    "guests": ("gauge", "Guests that are defined on this host, by state; paused ones are running."),
    "pending_transactions": ("gauge", "Guarded changes that nobody has confirmed yet."),
}  # fmt: skip


def main(folder: str) -> None:
    """Write the file."""
    write(folder, render([*of_links(ask), *of_guests(ask, RUN, KEPT), *of_transactions(KEPT)]))


def ask(*words: str) -> str:
    """What a program prints. Bytes that are no UTF-8 are kept as surrogates, which C(plain) tells in letters."""
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, timeout=_TIMEOUT)
    return done.stdout.decode("utf-8", "surrogateescape")


def plain(name: str) -> str:
    """A device's name as UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def of_links(asked: Callable[..., str]) -> Iterator[Sample]:
    """Bridges, taps, and what the spanning tree did with ports."""
    links = _json(asked("ip", "-json", "-details", "-statistics", "link", "show"))
    learned: dict[str, int] = {}
    for entry in _json(asked("bridge", "-json", "fdb", "show")):
        if "master" in entry and not entry.get("state") and "extern_learn" not in entry["flags"]:
            learned[entry["master"]] = learned.get(entry["master"], 0) + 1
    for link in links:
        kind = link.get("linkinfo", {}).get("info_kind")
        if kind == "bridge":
            yield from _of_bridge(link, learned.get(link["ifname"], 0))
        elif kind == "tun":
            yield from _of_tap(link)
    masters = {link["ifname"]: link.get("master", "") for link in links}
    for port in _json(asked("ip", "-json", "link", "xstats", "type", "bridge_slave")):
        labels = {"port": plain(port["ifname"]), "bridge": plain(masters.get(port["ifname"], ""))}
        yield from _of_port(labels, port.get("stp") or {})


def _of_bridge(link: Mapping[str, Any], learned: int) -> Iterator[Sample]:
    labels, options = {"bridge": plain(link["ifname"])}, link["linkinfo"].get("info_data", {})
    # kernels from 6.7 on count, and have a limit
    yield "bridge_fdb_learned_entries", labels, options.get("fdb_n_learned", learned)
    if options.get("fdb_max_learned"):
        yield "bridge_fdb_learned_limit", labels, options["fdb_max_learned"]
    yield "bridge_stp_topology_change", labels, options.get("topology_change", 0)


def _of_tap(link: Mapping[str, Any]) -> Iterator[Sample]:
    labels = {"tap": plain(link["ifname"]), "bridge": plain(link.get("master", ""))}
    for direction, side in (("from_guest", "rx"), ("to_guest", "tx")):
        dropped = link["stats64"][side]["dropped"]
        yield "tap_dropped_packets_total", {**labels, "direction": direction}, dropped


def _of_port(labels: Mapping[str, str], tree: Mapping[str, int]) -> Iterator[Sample]:
    for metric, label, value, key in _TREE:
        if key in tree:
            yield metric, {**labels, label: value}, tree[key]


def of_guests(asked: Callable[..., str], run: str, kept: str) -> Iterator[Sample]:
    """How many guests are in which state, of plain processes by /proc, of units by systemd."""
    folder = os.path.join(kept, "definitions")
    defined = {
        name[: -len(".json")]: _load(os.path.join(folder, name))
        for name in _names(folder)
        if name.endswith(".json") and not name.startswith(".")
    }
    units = _units(asked) if any("unit" in one for one in defined.values()) else {}
    counts = dict.fromkeys(_TOLD, 0)
    for name in defined:
        counts[_state(name, run, units.get(f"hypervisor-network-guest@{name}.service", ""))] += 1
    for state, count in counts.items():
        yield "guests", {"state": state}, count


def _state(name: str, run: str, unit: str) -> str:
    process = _load(os.path.join(run, f".{name}", "process.json"))
    if not process:
        return "running" if unit in _RUNS else "crashed" if unit == "failed" else "stopped"
    if process.get("boot_id") != _boot():
        return "stopped"
    if process.get("start_time") == _start_time(process.get("pid")):
        return "running"
    # QEMU removes it on every clean end
    return "crashed" if os.path.lexists(os.path.join(run, name, "pid")) else "stopped"


def _units(asked: Callable[..., str]) -> dict[str, str]:
    """What systemd says of the guests that it has heard of."""
    said = asked("systemctl", "show", "--property=Id,ActiveState", "hypervisor-network-guest@*.service")  # fmt: skip
    blocks = [dict(line.split("=", 1) for line in one.splitlines() if "=" in line) for one in said.split("\n\n")]  # fmt: skip
    return {one["Id"]: one.get("ActiveState", "") for one in blocks if "Id" in one}


def _start_time(pid: Any) -> int | None:
    """When a process began, in ticks since the boot; None where there is none, or only its remains."""
    try:
        with open(f"/proc/{int(pid)}/stat", "rb") as file:
            # the program's name may hold anything, blanks and parentheses too
            words = file.read().rpartition(b")")[2].split()
    except (OSError, TypeError, ValueError):
        return None
    return None if words[0] in (b"Z", b"X") else int(words[19])


def of_transactions(kept: str) -> Iterator[Sample]:
    """The guarded changes of this boot that have not ended."""
    folder = os.path.join(kept, "txn")
    found = [_transaction(os.path.join(folder, name)) for name in _names(folder) if not name.startswith(".")]  # fmt: skip
    yield "pending_transactions", {}, sum(found)


def _transaction(path: str) -> bool:
    names = _names(path)
    state = next((one for one in (*_ENDED, *_PENDING) if one in names), None)
    return state in _PENDING and _load(os.path.join(path, str(state))).get("boot") == _boot()


def render(samples: Sequence[Sample]) -> str:
    """The text of the file: each metric that has a sample, in the order of C(METRICS)."""
    lines = []
    for name, (kind, words) in METRICS.items():
        # one name twice would have the exporter refuse the file
        own = {_labels(labels): value for metric, labels, value in samples if metric == name}
        if own:
            lines += [f"# HELP {_PREFIX}{name} {words}", f"# TYPE {_PREFIX}{name} {kind}"]
            lines += [f"{_PREFIX}{name}{labels} {value:d}" for labels, value in own.items()]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def write(folder: str, text: str) -> None:
    """Put the file in its place at once; the exporter reads the old or the new one, and no name that does not end in .prom."""
    descriptor, path = tempfile.mkstemp(prefix=f".{FILE}.", dir=folder)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(descriptor, 0o644)
        os.replace(path, os.path.join(folder, FILE))
    except BaseException:
        os.unlink(path)
        raise


def _json(text: str) -> list[dict[str, Any]]:
    # iproute2 prints an empty object for a line that it leaves out, and control characters as they are
    return [one for one in json.loads(text or "[]", strict=False) if one]


def _load(path: str) -> dict[str, Any]:
    """What a file of the collection holds; nothing where there is none, or it was cut off."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)) as file:  # fmt: skip
            found = json.load(file)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _boot() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


if __name__ == "__main__":
    main(sys.argv[1])
