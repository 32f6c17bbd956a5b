# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import guards: the libraries a module needs, their least versions, and one sentence where one is missing."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import re
import sys

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    MissingDependency,
)

# library: Debian package
_PACKAGES = {"pyroute2": "python3-pyroute2", "netaddr": "python3-netaddr"}
_LEAST = {"pyroute2": "0.7.2", "netaddr": "0.8.0"}


def need(library: str):
    """Import a library by name and return it, or raise MissingDependency with the cure.

    Imported at first need: pyroute2 costs 150 ms, and a refused argument should not pay that.
    """
    name = library.split(".", maxsplit=1)[0]
    try:
        module = _imported(library, name)
    except ImportError:
        present = _version(name) or None
        found = "is missing" if present is None else f"{present} lacks {library}"
        raise MissingDependency(
            f"The Python library {name} {found} for {sys.executable}; {_cure(name)}"
        ) from None
    version = _version(name)
    if _numbers(version) and _numbers(version) < _numbers(_LEAST.get(name, "")):
        raise MissingDependency(
            f"The Python library {name} {version} of {sys.executable} is older than {_LEAST[name]}; {_cure(name)}"
        )
    return module


def check_present(library: str) -> None:
    """Raise MissingDependency where a library is missing, without the time that its import takes."""
    if library not in sys.modules and importlib.util.find_spec(library) is None:
        raise MissingDependency(
            f"The Python library {library} is missing for {sys.executable}; {_cure(library)}"
        )


def _cure(library: str) -> str:
    return f"install it with 'apt-get install {_PACKAGES.get(library, library)}' or 'pip install {library}'."


def _imported(library: str, name: str):
    """Import a part of a library; of pyroute2 without the C(__init__) that imports all the rest, which takes two thirds of the time.

    Its parts import what they need of each other by themselves. Where a version's do not, it is imported as a whole.
    """
    if name == "pyroute2" and name not in sys.modules and library != name:
        found = importlib.util.find_spec(name)
        if found is not None:
            sys.modules[name] = importlib.util.module_from_spec(found)
            try:
                return importlib.import_module(library)
            except (ImportError, AttributeError):
                for loaded in [one for one in sys.modules if one.split(".")[0] == name]:
                    del sys.modules[loaded]
    return importlib.import_module(library)


def _version(name: str) -> str:
    """The version of an imported library; empty where it says none."""
    module = sys.modules.get(name)
    if name == "pyroute2" and not hasattr(module, "__version__"):
        with contextlib.suppress(ImportError):
            # where its own __init__ has it from
            module = importlib.import_module("pyroute2.config.version")
    return str(getattr(module, "__version__", ""))


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers a version begins with; none where it begins otherwise."""
    found = re.match(r"[0-9]+(\.[0-9]+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()
