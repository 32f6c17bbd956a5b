# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module in the background: it works, or the task says that it takes no C(async), as the module's attributes have it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ID = "0123456789abcdef0123456789abcdef"
NO = "does not support async"
# What is asked is there already or can't be; the answer is the module's own
CASES = {
    "bridge_doctor": ({}, ""),
    "bridge_fdb": ({"bridge": "nope1", "mac": "02:00:00:00:00:01"}, NO),
    "bridge_info": ({}, ""),
    "bridge_isolation": (
        {"tenants": [{"name": "blue", "ports": ["nope0"]}]},
        "is no port of a bridge",
    ),
    "bridge_mdb": ({"bridge": "nope1", "group": "239.1.1.1", "state": "absent"}, NO),
    "bridge_persist": ({"bridges": ["nope0"]}, "There is no device nope0"),
    "bridge_port": ({"name": "nope0", "state": "absent"}, NO),
    "bridge_uplink": ({"name": "nope0", "bridge": "nope1"}, NO),
    "host_plan": ({}, ""),
    "ifupdown_state": ({"interfaces": ["nope0"], "state": "down"}, ""),
    "interfaces_stanza": ({"name": "nope0", "state": "absent"}, ""),
    "linux_bridge": ({"name": "nope0", "state": "absent"}, NO),
    "qemu_backup": ({"guest": "nope0", "target": "/"}, "There is no guest nope0"),
    "qemu_guest": ({"name": "nope0", "state": "absent"}, ""),
    "qemu_guest_info": ({}, ""),
    "qemu_snapshot": ({"guest": "nope0", "name": "a"}, "There is no guest nope0"),
    "tap_device": ({"name": "nope0", "state": "absent"}, NO),
    "transaction": ({"id": ID, "state": "confirmed"}, f"There is no transaction {ID}"),
}


def test_every_module_in_the_background(netns: str, tmp_path: Path) -> None:
    (tmp_path / "interfaces").write_text("auto lo\niface lo inet loopback\n", encoding="utf-8")
    places = {
        "ifupdown_state": {"directory": str(tmp_path)},
        "interfaces_stanza": {"path": str(tmp_path / "interfaces")},
    }
    tasks = [
        {
            "name": f"{name} in the background",
            f"hypervisor.network.{name}": {**options, **places.get(name, {}), "netns": netns},
            "async": 60,
            "poll": 1,
            "register": name,
            "ignore_errors": True,
        }
        for name, (options, _refusal) in CASES.items()
    ]
    told = tmp_path / "told.json"
    written = ", ".join(f"'{name}': {name}" for name in CASES)
    tasks.append(
        {
            "name": "Tell",
            "ansible.builtin.copy": {
                "dest": str(told),
                "content": f"{{{{ {{{written}}} | to_json }}}}",
                "mode": "0600",
            },
        }
    )
    playbook = tmp_path / "playbook.yml"
    playbook.write_text(
        json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), "utf-8"
    )
    _play(playbook, tmp_path)
    answers = json.loads(told.read_text("utf-8"))
    for name, (_options, refusal) in CASES.items():
        answer = answers[name]
        assert bool(answer.get("failed")) == bool(refusal), (name, answer)
        assert refusal in answer.get("msg", ""), (name, answer)


def test_every_module_is_tried() -> None:
    modules = Path(__file__).resolve().parents[2] / "plugins" / "modules"
    public = {path.stem for path in modules.glob("*.py")} - {
        "bridge_doctor_probe",
        "guarded_change",
        "unapplied_tags",
        "verdict",
    }
    assert set(CASES) == public


def _play(playbook: Path, home: Path) -> None:
    given = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    settings = {
        "ANSIBLE_ASYNC_DIR": str(home / "async"),
        "ANSIBLE_LOCAL_TEMP": str(home),
    }
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,"]
        + ["-e", json.dumps(given), str(playbook)],
        env={**os.environ, **settings},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
