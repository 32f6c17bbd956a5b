# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that goes wrong, for error goldens: files below a folder that stands for C(/), and functions that give what is said of them.

An entry of tests/errors brings it about with C(files), C({path: what is there}), and C(when), C({name in the module that is called: what it gives}).
What needs more words than that is a scene, a function of the files beside this one: C(scene) names it, C(given) are its arguments.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import inspect
import os
import struct
import tempfile
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Callable, Iterator, Mapping

import pytest

UTILS = "ansible_collections.hypervisor.network.plugins.module_utils"
TOP = "TOP"  # in an entry: the folder that stands for C(/)
SCENES: dict[str, Callable[..., Any]] = {}


def scene(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a stage and of what is given, by whose name an entry calls for it."""
    SCENES[function.__name__] = function
    return function


class Stage:
    """Where one entry is tried: C(top) stands for the host's root directory, C(patch) is taken back afterwards."""

    def __init__(self, top: Path, patch: pytest.MonkeyPatch) -> None:
        self.top = top
        self.patch = patch

    def put(self, files: Mapping[str, Any]) -> None:
        """Make files: a text is a file's content, C(overlay) an image's over that file, C(link) is a symbolic and C(also) another hard link.

        All else is a directory, with C(mode) where it is given.
        """
        for name, what in files.items():
            path = self.top / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(what, str):
                path.write_text(what, encoding="utf-8")
            elif what and "overlay" in what:
                path.write_bytes(_overlay(self.placed(what["overlay"]), what.get("format", "")))
            elif what and "link" in what:
                path.symlink_to(self.placed(what["link"]))
            elif what and "also" in what:
                os.link(self.placed(what["also"]), path)
            else:
                path.mkdir(exist_ok=True)
                path.chmod(int((what or {}).get("mode", "0755"), 8))

    def placed(self, value: Any) -> Any:
        """A value of an entry, whose C(TOP) is the folder."""
        if isinstance(value, str):
            return value.replace(TOP, str(self.top))
        if isinstance(value, list):
            return [self.placed(one) for one in value]
        if isinstance(value, Mapping):
            return {self.placed(key): self.placed(one) for key, one in value.items()}
        return value

    def told(self, said: str) -> str:
        """A sentence, as it would be on a host whose root directory is its own."""
        return said.replace(str(self.top), "")

    def when(self, module: ModuleType, gives: Mapping[str, Any]) -> None:
        """Have names of a module, such as C(os.seteuid), be or give another value, or raise what an errno's or an exception's name says."""
        for dotted, value in gives.items():
            *way, last = dotted.split(".")
            owner: Any = module
            for name in way:
                owner = getattr(owner, name)
            self.patch.setattr(owner, last, _instead(getattr(owner, last), self.placed(value)))


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """An empty one."""
    with tempfile.TemporaryDirectory() as top, pytest.MonkeyPatch.context() as patch:
        yield Stage(Path(top).resolve(), patch)


def failure(name: str) -> OSError:
    """What the kernel says with that errno."""
    number = getattr(errno, name)
    return OSError(number, os.strerror(number))


def found(dotted: str) -> tuple[ModuleType, Any]:
    """What a dotted name below module_utils is: the module, and the function or class in it, with its method where one is named."""
    parts = dotted.split(".")
    for length in range(len(parts) - 1, 0, -1):
        name = f"{UTILS}.{'.'.join(parts[:length])}"
        with contextlib.suppress(ModuleNotFoundError):
            module = importlib.import_module(name)
            thing: Any = module
            for part in parts[length:]:
                thing = getattr(thing, part)
            return module, thing
    raise LookupError(dotted)


def finished(result: Any) -> Any:
    """The result of a call; a context is entered and left, and sentences are told one by one to their end."""
    if hasattr(result, "__enter__") and hasattr(result, "__exit__"):
        with result:
            return None
    return list(result) if inspect.isgenerator(result) else result


def _overlay(below: str, image_format: str) -> bytes:
    """The header of a qcow2 image over another one (QEMU's docs/interop/qcow2.txt); without a format it does not say which that has."""
    name, own = below.encode(), image_format.encode()
    extensions = struct.pack(">II8s", 0xE2792ACA, len(own), own) if own else b""
    extensions += bytes(8)  # their end
    at = 104 + len(extensions)
    head = struct.pack(">4sIQIIQ", b"QFI\xfb", 3, at, len(name), 16, 1 << 20)
    head = head.ljust(72, b"\0") + struct.pack(">QQQII", 0, 0, 0, 4, 104)
    return (head + extensions + name).ljust(1 << 16, b"\0")


def _instead(old: Any, value: Any) -> Any:
    if isinstance(value, str) and (hasattr(errno, value) or value == "TimeoutError"):
        error = TimeoutError() if value == "TimeoutError" else failure(value)

        def fails(*_arguments: Any, **_named: Any) -> Any:
            raise error

        return fails
    made = SimpleNamespace(**value) if isinstance(value, Mapping) else value
    return (lambda *_arguments, **_named: made) if callable(old) else made
