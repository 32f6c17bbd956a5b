# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(enter), a connection plugin of the kind that collections bring: a command is run behind words like C(nsenter -t 1234 -n)."""

from __future__ import annotations

from pathlib import Path

_PLUGIN = '''
from ansible.plugins.connection.local import Connection as Local

DOCUMENTATION = """
name: enter
short_description: Run commands where other words enter
description: [What a community's connection plugin is like.]
options:
  words:
    description: What enters there; the command follows.
    vars: [{name: enter_words}]
  pipelining:
    description: Whether a module is piped into the interpreter.
    type: bool
    default: false
    vars: [{name: ansible_pipelining}]
    env: [{name: ANSIBLE_PIPELINING}]
"""


class Connection(Local):
    transport = "enter"

    def exec_command(self, cmd, in_data=None, sudoable=True):
        words = cmd if isinstance(cmd, str) else " ".join(cmd)
        entered = f"{self.get_option('words')} {words}"
        return super().exec_command(entered, in_data=in_data, sudoable=sudoable)

    def put_file(self, in_path, out_path):
        with open(in_path, "rb") as stream:
            self.exec_command(f"sh -c 'cat > {out_path}'", in_data=stream.read())
'''


def write_plugin(folder: Path) -> None:
    """Put it into a folder of connection plugins, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "enter.py").write_text(_PLUGIN, encoding="ascii")
