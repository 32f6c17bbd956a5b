# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""G3 to G6: what a task costs, from the controller's start of it to its result, over the local connection."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..harness.net.netns import Namespaces, batch
from ..harness.process import shipped
from .rows import Row, aligned

HERE = Path(__file__).parent
_TREE = HERE.parents[4]
_ROUNDS = 7
Task = dict[str, Any]


def no_change(_full: bool) -> list[Row]:
    with Namespaces("task") as names:
        batch(names["task"], "link add br0 type bridge\n")
        pair = [
            {
                "name": "ours",
                "hypervisor.network.linux_bridge": {"name": "br0", "netns": names["task"]},
            },
            _PING,
        ]
        times = played(pair * _ROUNDS)
    return [Row("G5", _median(times, "ours"), _median(times, "ping"))]


def list_of_1000(_full: bool) -> list[Row]:
    with Namespaces("task") as names:
        netns = names["task"]
        batch(netns, "".join(f"tuntap add tap{number} mode tap\n" for number in range(1000)))
        # what Ansible itself takes for such a list, through a module that does nothing else
        floor = [
            {
                "name": f"{name} handed back",
                "listed": {"taps": [{"name": f"tap{number}"} for number in range(count)]},
            }
            for name, count in (("many", 1000), ("one", 1))
        ]
        times = played([_taps("many", netns, 1000), _taps("one", netns, 1), *floor] * _ROUNDS)
    ansibles = _median(times, "many handed back") - _median(times, "one handed back")
    ours = _median(times, "many") - _median(times, "one") - ansibles
    remark = (
        f"of the difference {ansibles:.0f} ms are Ansible's own for such a list, {ours:.0f} ours"
    )
    return [Row("G3", _median(times, "many"), _median(times, "one"), remark=remark)]


def loops(full: bool) -> list[Row]:
    """A loop's time is proportional to its items: the short form loops over ten and multiplies."""
    items = 100 if full else 10
    with Namespaces("list", "loop", "ip") as names:
        for netns in names.values():
            batch(netns, "link add br0 type bridge\n")
        every = list(range(items))
        times = played([
            _taps("list", names["list"], 100),
            {**_taps("loop", names["loop"], 0), "loop": every},
            {"name": "ip add", "command": f"ip -n {names['ip']} tuntap add tap{{{{ item }}}} mode tap", "loop": every},
            {"name": "ip up", "command": f"ip -n {names['ip']} link set tap{{{{ item }}}} up", "loop": every},
        ])  # fmt: skip
    times_100 = 100 / items
    remark = "" if full else f"loops over {items}, times {times_100:g}"
    both = _median(times, "ip add") + _median(times, "ip up")
    ours = _median(times, "list")
    return [
        Row("G4", ours, times_100 * _median(times, "loop"), remark=remark),
        Row("G4ip", ours, times_100 * both, remark=remark),
    ]


def payload(_full: bool) -> list[Row]:
    """The largest of the modules that a role runs most, as it is written to the target."""
    with Namespaces("task") as names:
        batch(names["task"], "link add br0 type bridge\n")
        tasks = [
            {"name": "empty", "empty": {}},
            {
                "name": "bridge",
                "hypervisor.network.linux_bridge": {"name": "br0", "netns": names["task"]},
            },
            {
                "name": "port",
                "hypervisor.network.bridge_port": {
                    "name": "tap0",
                    "state": "absent",
                    "netns": names["task"],
                },
            },
            _taps("tap", names["task"], 1),
        ]
        sizes: dict[str, int] = {}
        played(tasks, sizes)
    empty = sizes.pop("empty")
    name = max(sizes, key=lambda one: sizes[one])
    others = ", ".join(
        f"{one} {size / empty:.2f}" for one, size in sorted(sizes.items()) if one != name
    )
    return [Row("G6", sizes[name] / 1024, empty / 1024, "KiB", f"{name}; {others}")]


def shipped_table() -> str:
    """What every module ships, the largest first, and the sum: ours deflated, and all that is sent, Ansible's own included."""
    every = shipped.payloads()
    total = sum(one.ours for one in every) / 1024
    return aligned(
        [
            ("module", "ours, KiB", "files", "on the wire, KiB"),
            *(
                (
                    one.module,
                    f"{one.ours / 1024:.1f}",
                    str(len(one.files)),
                    f"{one.wire / 1024:.0f}",
                )
                for one in every
            ),
            ("all", f"{total:.1f}", "", f"(at most {sum(shipped.MOST_KIB.values())} of ours)"),
        ],
        left=(0,),
    )


_PING: Task = {"name": "ping", "ansible.builtin.ping": {}}


def _taps(name: str, netns: str, count: int) -> Task:
    many = (
        {"taps": [{"name": f"tap{number}"} for number in range(count)]}
        if count
        else {"name": "tap{{ item }}"}
    )
    return {"name": name, "hypervisor.network.tap_device": {**many, "up": True, "netns": netns}}


def _median(times: dict[str, list[float]], name: str) -> float:
    return statistics.median(times[name])


def played(tasks: list[Task], sizes: dict[str, int] | None = None) -> dict[str, list[float]]:
    """Run tasks in one play on this machine, and return their times; C(sizes) takes the payloads' bytes by module."""
    folder = Path(tempfile.mkdtemp(prefix="hn-bench-"))
    try:
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
        play["vars"] = {"ansible_python_interpreter": sys.executable}
        (folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(_TREE),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
            "ANSIBLE_STDOUT_CALLBACK": "timed",
            "ANSIBLE_LIBRARY": str(HERE / "library"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
            "ANSIBLE_HOME": str(folder / "home"),
            "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
            "ANSIBLE_KEEP_REMOTE_FILES": str(sizes is not None),
            "BENCH_TIMES": str(folder / "times.json"),
        }
        playbook = Path(sys.executable).with_name("ansible-playbook")
        done = subprocess.run(
            [str(playbook), str(folder / "play.yml")],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(
                f"the benchmark's play failed: {(done.stderr or done.stdout).strip()}"
            )
        if sizes is not None:
            for path in (folder / "remote").glob("*/AnsiballZ_*.py"):
                sizes[path.stem.split("_", maxsplit=1)[1]] = path.stat().st_size
        return json.loads((folder / "times.json").read_text(encoding="utf-8"))
    finally:
        shutil.rmtree(folder)
