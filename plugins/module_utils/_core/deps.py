# SPDX-License-Identifier: GPL-3.0-or-later
"""Import guards: the libraries a module needs, their least versions, and one sentence where one is missing."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sys
from typing import Iterator

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    MissingDependency,
)

# library: Debian package
_PACKAGES = {"pyroute2": "python3-pyroute2", "netaddr": "python3-netaddr"}
_LEAST = {"pyroute2": "0.7.2", "netaddr": "0.8.0"}


@contextlib.contextmanager
def needed(library: str) -> Iterator[None]:
    """Within it a library is imported, at first need: pyroute2 costs 150 ms, and a refused argument should not pay that.

    Raises MissingDependency with the cure where it is missing, lacks what is imported, or is older than what is supported.
    """
    try:
        yield
    except ImportError as error:
        _check_age(library)
        version = _version(library)
        found = f"{version} is not whole ({error})" if version else "is missing"
        raise MissingDependency(
            f"The Python library {library} {found} for {sys.executable}; {_cure(library)}"
        ) from None
    _check_age(library)


def check_present(library: str) -> None:
    """Raise MissingDependency where a library is missing, without the time that its import takes."""
    if library not in sys.modules and importlib.util.find_spec(library) is None:
        raise MissingDependency(
            f"The Python library {library} is missing for {sys.executable}; {_cure(library)}"
        )


def _check_age(library: str) -> None:
    version = _version(library)
    if _numbers(version) and _numbers(version) < _numbers(_LEAST.get(library, "")):
        raise MissingDependency(
            f"The Python library {library} {version} of {sys.executable} is older than {_LEAST[library]}; {_cure(library)}"
        )


def _cure(library: str) -> str:
    return f"install it with 'apt-get install {_PACKAGES.get(library, library)}' or 'pip install {library}'."


def _version(library: str) -> str:
    """The version of an imported library; empty where it says none, or is not there."""
    return str(getattr(sys.modules.get(library), "__version__", ""))


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers a version begins with; none where it begins otherwise."""
    found = re.match(r"[0-9]+(\.[0-9]+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()
