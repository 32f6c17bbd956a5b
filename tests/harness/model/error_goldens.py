# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error goldens: each sentence that a user can get, beside what makes it. They lie in tests/errors, a file for each subject, and are written by people.

An entry has C(typed), what a user types; C(holds), what the host holds, where that matters; and C(says). C(module) is who is asked where the file is not
named for it; C(call) is a function below module_utils instead, and C(typed) its arguments.

C(told) answers an entry, and C(sites) tells which raise of the collection a sentence came from.
"""

from __future__ import annotations

import ast
import functools
import importlib
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Iterator, Mapping

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.hypervisor.network.plugins.filter import bridge_host_refusals
from ansible_collections.hypervisor.network.plugins.module_utils._bridge_host import (
    items as bridge_host_items,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core import errors
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import plan as fdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import plan as stanzas
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import validate
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import Files
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import spec as proof
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import plan as guest_plan
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec as guests
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import preflight
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.tests.harness.model import (
    fdb_tables,
    simulated,
    triplets,
)

ROOT = Path(__file__).resolve().parents[3]
ERRORS = ROOT / "tests" / "errors"
UTILS = "ansible_collections.hypervisor.network.plugins.module_utils"
STANZAS = "/etc/network/interfaces"
# Of plugins: the path from there, and the function that raises
Site = tuple[str, str, int]
_ERRORS = {
    name
    for name, one in vars(errors).items()
    if isinstance(one, type) and issubclass(one, errors.HypervisorNetworkError)
}


def entries() -> list[Any]:
    """All entries, as parameters of a test."""
    return [
        pytest.param(path.stem, case, id=f"{path.stem}-{number}")
        for path in sorted(ERRORS.glob("*.yml"))
        for number, case in enumerate(yaml.safe_load(path.read_text("utf-8")), 1)
    ]


def told(subject: str, case: Mapping[str, Any]) -> tuple[str, set[tuple[str, int]]]:
    """What is said to an entry, and the lines of the collection that it came through."""
    ask = _call if "call" in case else _SUBJECTS[case.get("module", subject)]
    try:
        said = ask(case)
    except (errors.HypervisorNetworkError, AnsibleFilterError) as error:
        return str(error), set(lines(error))
    assert isinstance(said, list), f"nothing is refused, but told: {said!r}"
    return " ".join(said), set()


def lines(error: BaseException | None) -> Iterator[tuple[str, int]]:
    """The lines that an error, and those it was made of, came through."""
    while error is not None:
        place: TracebackType | None = error.__traceback__
        while place is not None:
            yield place.tb_frame.f_code.co_filename, place.tb_lineno
            place = place.tb_next
        error = error.__cause__ or error.__context__


@functools.cache
def raises() -> Mapping[Site, tuple[str, int, int]]:
    """Each place below plugins that makes one of our errors: C({(file, function, number in it): (path, first line, last line)})."""
    found: dict[Site, tuple[str, int, int]] = {}
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        name = path.relative_to(ROOT / "plugins").as_posix()
        count: Counter[str] = Counter()
        for function, call in _made(ast.parse(path.read_text("utf-8")), ""):
            count[function] += 1
            found[name, function, count[function]] = (str(path), call.lineno, call.end_lineno or 0)
    return found


def _made(node: ast.AST, function: str) -> Iterator[tuple[str, ast.Call]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and getattr(child.func, "id", "") in _ERRORS:
            yield function, child
        inside = child.name if isinstance(child, ast.FunctionDef) else function
        yield from _made(child, inside)


def sites(lines: set[tuple[str, int]]) -> set[Site]:
    """The places that made an error which came through these lines."""
    return {
        site
        for site, (path, first, last) in raises().items()
        if any(
            Path(name).resolve() == Path(path) and first - 1 <= line <= last for name, line in lines
        )
    }


def _call(case: Mapping[str, Any]) -> Any:
    path, _dot, name = case["call"].rpartition(".")
    typed = case["typed"]
    function = getattr(importlib.import_module(f"{UTILS}.{path}"), name)
    return function(**typed) if isinstance(typed, Mapping) else function(*typed)


def _params(typed: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    result = ArgumentSpecValidator({key: dict(value) for key, value in spec.items()}).validate(
        dict(typed)
    )
    assert not result.error_messages, result.error_messages
    return result.validated_parameters


def _links(module: str) -> Callable[[Mapping[str, Any]], Any]:
    def ask(case: Mapping[str, Any]) -> Any:
        wish = triplets.wish_of({"module": module, "parameters": case["typed"]})
        return triplets.noun().plan(triplets.snapshot_of(case.get("holds") or {}), wish)

    return ask


def _entries(case: Mapping[str, Any]) -> Any:
    return fdb_plan.plan(
        fdb_tables.table_of(case.get("holds") or {}), fdb_tables.wish_of(case["typed"])
    )


def _guest(case: Mapping[str, Any]) -> Any:
    typed = case["typed"]
    wishes = guests.checked_all(
        [_params(one, guests.SPEC) for one in (typed if isinstance(typed, list) else [typed])]
    )
    full = [(wish.name, guests.with_defaults(wish.spec, wish.name)) for wish in wishes]
    holds = case.get("holds") or {}
    if holds:
        links = triplets.snapshot_of(holds).links
        for name, spec in full:
            guest_plan.check_taps(name, spec, links, holds.get("uid", 1000))
    return full


def _stanza(case: Mapping[str, Any]) -> Any:
    items = case["typed"] if isinstance(case["typed"], list) else [case["typed"]]
    keys = "name family method options auto allow_hotplug take_over hand_back file".split()
    wishes = [
        validate.checked({**dict.fromkeys(keys), "state": "present", **item}) for item in items
    ]
    holds = case.get("holds") or ""
    texts = {STANZAS: holds} if isinstance(holds, str) else holds
    return stanzas.plan(Files(STANZAS, texts), wishes)


def _proof(case: Mapping[str, Any]) -> Any:
    return proof.checked(_params(case["typed"], proof.SPEC))


def _uplink(case: Mapping[str, Any]) -> Any:
    typed = dict(case["typed"])
    spec = preflight.Spec(
        typed.pop("name"),
        typed.pop("bridge"),
        typed.pop("state", "present") == "present",
        override=frozenset(typed.pop("override", ())),
        **typed,
    )
    preflight.check_names(spec)
    holds = dict(case.get("holds") or {})
    now = triplets.snapshot_of(holds)
    addresses = tuple(
        simulated.address(dev, text, flags=0 if dev in holds.get("leased", ()) else 0x80)
        for dev, texts in (holds.get("addresses") or {}).items()
        for text in texts
    )
    more = {key: tuple(holds[key]) for key in ("filter_rules", "listeners") if key in holds}
    return preflight.check(Inet(now.links, addresses, **more), spec)


def _role(case: Mapping[str, Any]) -> Any:
    bridge_host_items.typed_all(case["typed"])
    return bridge_host_refusals.bridge_host_refusals(case["typed"])


_SUBJECTS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "linux_bridge": _links("linux_bridge"),
    "bridge_port": _links("bridge_port"),
    "tap_device": _links("tap_device"),
    "bridge_fdb": _entries,
    "qemu_guest": _guest,
    "interfaces_stanza": _stanza,
    "bridge_isolation": _proof,
    "bridge_uplink": _uplink,
    "bridge_host": _role,
}
