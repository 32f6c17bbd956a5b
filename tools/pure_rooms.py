# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A contract for import-linter: a file that says it is PURE imports nothing by which the machine could be touched, nor does what it imports.

Which files are pure is said in one place, the files themselves: their docstrings begin with the word. So no list can miss one.
"""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import grimp
from importlinter import Contract, ContractCheck, fields, output


class PureRooms(Contract):
    """C(touching) are the packages that touch; C(words) are lines of imports that take nothing but names from one of them."""

    type_name = "pure_rooms"

    touching = fields.SetField(subfield=fields.StringField())
    words = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        for importer, imported in self._imports_of_words(graph):
            graph.remove_import(importer=importer, imported=imported)
        pure = sorted(module for module in graph.modules if is_pure(graph, module))
        chains = [
            " -> ".join(chain)
            for module in pure
            for touching in sorted(self.touching & graph.modules)
            if (chain := graph.find_shortest_chain(module, touching)) is not None
        ]
        # A contract that finds nobody to hold holds nothing
        return ContractCheck(kept=bool(pure) and not chains, metadata={"chains": chains})

    def _imports_of_words(self, graph: grimp.ImportGraph) -> list[tuple[str, str]]:
        return [
            (importer, touching)
            for touching in self.touching & graph.modules
            for importer in graph.find_modules_that_directly_import(touching)
            if all(
                detail["line_contents"].partition("#")[0].strip() in (self.words or ())
                for detail in graph.get_import_details(importer=importer, imported=touching)
            )
        ]

    def render_broken_contract(self, check: ContractCheck) -> None:
        for chain in check.metadata["chains"]:
            output.print_error(f"A pure file reaches the machine: {chain}")


def is_pure(graph: grimp.ImportGraph, module: str) -> bool:
    """Whether a file's docstring begins with the word PURE."""
    if graph.is_module_squashed(module):
        return False
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.origin:
        return False
    text = Path(spec.origin).read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").split(".")[0] == "PURE"
