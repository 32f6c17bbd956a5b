# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each module ships to a target, built by Ansible itself, which follows imports in functions and under TYPE_CHECKING too.

Run by its path it prints the payloads as JSON: Ansible's loader wants a process into which nobody has imported the collection yet.
"""

from __future__ import annotations

import ast
import base64
import dataclasses
import io
import json
import os
import re
import subprocess
import sys
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

# Of this collection's files, in each module's payload. What is beyond has found a way into a module that does not need it, or is worth its place there.
MOST_KIB = {
    # the second is the first with what listens and what proves isolation
    "bridge_doctor": 150, "bridge_doctor_probe": 205, "bridge_fdb": 73, "bridge_info": 123, "bridge_isolation": 104, "bridge_mdb": 74,
    "bridge_persist": 246, "bridge_port": 92, "bridge_uplink": 216, "guarded_change": 300, "host_plan": 499, "ifupdown_state": 21,
    "interfaces_stanza": 89, "linux_bridge": 92, "qemu_backup": 130, "qemu_guest": 200, "qemu_guest_info": 120, "qemu_snapshot": 177,
    "tap_device": 92, "transaction": 74,
}  # fmt: skip
_PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
_PACKAGE = "ansible_collections.hypervisor.network.plugins."
_FRAME = 6  # bytes that zlib puts around what is deflated
_OWN = "ansible_collections/hypervisor/network/plugins/"
# on Ansible's path, not in the checkout: by where it is Ansible tells a collection's module from a lone one
_MODULES = Path(os.environ.get("HYPERVISOR_NETWORK_TREE", "."), _OWN, "modules")


@dataclass(frozen=True)
class Payload:
    """C(files) maps this collection's files in it to their deflated bytes; C(wire) are the bytes that are sent, Ansible's own and all."""

    module: str
    files: dict[str, int]
    wire: int

    @property
    def ours(self) -> int:
        return sum(self.files.values())


def imported(module: str) -> dict[str, int]:
    """The files of a module's payload with their deflated bytes, by the imports in them alone: in a moment what C(payloads) has Ansible make."""
    files: dict[str, int] = {}
    more = [f"modules/{module}.py"]
    while more:
        name = more.pop()
        if name not in files:
            text = (_PLUGINS / name).read_bytes()
            files[name] = len(zlib.compress(text)) - _FRAME
            more += _imports(ast.parse(text))
    return files


def _imports(tree: ast.Module) -> Iterator[str]:
    for one in ast.walk(tree):
        if isinstance(one, ast.ImportFrom) and f"{one.module}.".startswith(_PACKAGE):
            folder = str(one.module)[len(_PACKAGE) :].replace(".", "/")
            named = [f"{folder}/{alias.name}.py" for alias in one.names]
            paths = (f"{folder}.py", f"{folder}/__init__.py", *named)
            yield from (path for path in paths if (_PLUGINS / path).is_file())


def payloads() -> list[Payload]:
    """Of every module, the largest first."""
    done = subprocess.run([sys.executable, __file__], check=True, capture_output=True, text=True)
    every = [Payload(**one) for one in json.loads(done.stdout)]
    return sorted(every, key=lambda one: -one.ours)


def _payload(module: str) -> Payload:
    """Build the payload of a module as for a task without arguments."""
    from ansible.executor.module_common import modify_module
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar

    built = modify_module(
        module_name=f"hypervisor.network.{module}",
        module_path=str(_MODULES / f"{module}.py"),
        module_args={},
        templar=Templar(loader=DataLoader()),
        task_vars={"ansible_python_interpreter": sys.executable},
        module_compression="ZIP_DEFLATED",
    )
    # the zip is the longest word of base64 in what is sent
    words = re.findall(rb"[A-Za-z0-9+/=]{1000,}", built.b_module_data)
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(max(words, key=len)))) as archive:
        files = {
            one.filename[len(_OWN) :]: one.compress_size
            for one in archive.infolist()
            if one.filename.startswith(_OWN) and one.file_size
        }
    return Payload(module, files, len(built.b_module_data))


def _main() -> None:
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader()
    every = [_payload(path.stem) for path in sorted(_MODULES.glob("*.py"))]
    print(json.dumps([dataclasses.asdict(one) for one in every]))


if __name__ == "__main__":
    _main()
