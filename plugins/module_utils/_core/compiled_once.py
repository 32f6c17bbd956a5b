# SPDX-License-Identifier: GPL-3.0-or-later
"""Compile each of our files once, where Ansible has sent them as a zip archive.

Python's zipimport compiles a source to tell its file's name (C(get_filename), which every import asks), and again to run it, and keeps neither; so do all
versions from 3.9 to 3.14. Half of a module's run was that. What is not found here is left to it.
"""

from __future__ import annotations

import pkgutil
import sys
import zipimport
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Sequence


class Loader:
    """Run the source of a module that an archive has, see importlib.abc.Loader."""

    def __init__(self, archive: zipimport.zipimporter, path: str, package: bool) -> None:
        self._archive, self._path, self._package = archive, path, package

    def create_module(self, spec: ModuleSpec) -> None:
        """An ordinary module will do."""

    def exec_module(self, module: ModuleType) -> None:
        source = self.get_source(module.__name__)
        exec(compile(source or "", self._path, "exec", dont_inherit=True), module.__dict__)

    def get_filename(self, name: str) -> str:
        return self._path

    def get_source(self, name: str) -> str | None:
        """What tracebacks show, too."""
        return self._archive.get_source(name)

    def is_package(self, name: str) -> bool:
        return self._package


class Finder:
    """Find modules whose names begin with C(prefix) in archives, see importlib.abc.MetaPathFinder."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        for entry in path or () if name.startswith(self._prefix) else ():
            archive = pkgutil.get_importer(entry)
            if not isinstance(archive, zipimport.zipimporter):
                continue
            try:
                package = archive.is_package(name)
            except zipimport.ZipImportError:
                continue  # it has no such module
            file = f"{entry}/{name.rpartition('.')[2]}{'/__init__' if package else ''}.py"
            return spec_from_loader(name, Loader(archive, file, package))
        return None


def install(prefix: str) -> None:
    """Have the modules of that prefix found so from now on."""
    sys.meta_path.insert(0, Finder(prefix))
