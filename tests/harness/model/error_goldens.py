# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error goldens: each sentence that a user can get, beside what makes it. They lie in tests/errors, a file for each subject, and are written by people.

An entry has C(typed), what a user types; C(holds), what the host holds, where that matters; and C(says). C(module) is who is asked where the file is not
named for it. C(call) is a function below module_utils instead, or a method of a class that is made of C(of), and C(typed) its arguments;
C(files) and C(when) are what is wrong with the host. C(scene) is a function of tests/harness/provoke, and C(given) its arguments.

C(told) answers an entry, and tells which places of the collection made its sentence; C(raises) are all that make one.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import sys
import traceback
from collections import Counter
from dataclasses import replace
from pathlib import Path
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
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import Client
from ansible_collections.hypervisor.network.plugins.module_utils._fdb import plan as fdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import plan as stanzas
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown import validate
from ansible_collections.hypervisor.network.plugins.module_utils._ifupdown.files import Files
from ansible_collections.hypervisor.network.plugins.module_utils._isolation import spec as proof
from ansible_collections.hypervisor.network.plugins.module_utils._mdb import plan as mdb_plan
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import plan as guest_plan
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec as guests
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import supervision, taps
from ansible_collections.hypervisor.network.plugins.module_utils._rtnl.route import Hop
from ansible_collections.hypervisor.network.plugins.module_utils._uplink import preflight
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.layout import Inet
from ansible_collections.hypervisor.network.plugins.module_utils._uplink.managers import Traces
from ansible_collections.hypervisor.network.tests.harness.model import (
    fdb_tables,
    mdb_tables,
    simulated,
    triplets,
)
from ansible_collections.hypervisor.network.tests.harness.provoke import stage as stages

ROOT = Path(__file__).resolve().parents[3]
ERRORS = ROOT / "tests" / "errors"
STANZAS = "/etc/network/interfaces"
# Of plugins: the path from there, and the function that raises
Site = tuple[str, str, int]
# A sentence as it was made, and where: files and lines, the innermost first
Note = tuple[str, list[tuple[str, int]]]
_ERRORS = {
    name
    for name, one in vars(errors).items()
    if isinstance(one, type) and issubclass(one, errors.HypervisorNetworkError)
}


def entries(subject: str = "*") -> list[Any]:
    """The entries of a subject, or all, as parameters of a test."""
    return [
        pytest.param(path.stem, case, id=f"{path.stem}-{number}")
        for path in sorted(ERRORS.glob(f"{subject}.yml"))
        for number, case in enumerate(yaml.safe_load(path.read_text("utf-8")), 1)
    ]


def told(subject: str, case: Mapping[str, Any]) -> tuple[str, set[Site]]:
    """What is said to an entry, and the places of the collection that made the sentence."""
    with stages.stage() as stage, noted() as notes:
        try:
            said = _asked(subject, case, stage)
        except (errors.HypervisorNetworkError, AnsibleFilterError) as error:
            return stage.told(str(error)), sites(notes, str(error))
    assert isinstance(said, list), f"nothing is refused, but told: {said!r}"
    return " ".join(said), sites(notes, " ".join(said))


@contextlib.contextmanager
def noted() -> Iterator[list[Note]]:
    """Within it, each of our errors that is made is noted down."""
    notes: list[Note] = []
    made = errors.HypervisorNetworkError.__init__

    def note(error: errors.HypervisorNetworkError, message: str, **facts: object) -> None:
        made(error, message, **facts)
        here = sys._getframe()
        places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_stack(here)]
        notes.append((str(error), places))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(errors.HypervisorNetworkError, "__init__", note)
        yield notes


def _asked(subject: str, case: Mapping[str, Any], stage: stages.Stage) -> Any:
    stage.put(case.get("files") or {})
    if "scene" in case:
        return _scenes()[case["scene"]](stage, **(case.get("given") or {}))
    if "call" in case:
        return _call(case, stage)
    return _SUBJECTS[case.get("module", subject)](case)


@functools.cache
def _scenes() -> Mapping[str, Callable[..., Any]]:
    for path in sorted((ROOT / "tests" / "harness" / "provoke").glob("*.py")):
        importlib.import_module(
            f"ansible_collections.hypervisor.network.tests.harness.provoke.{path.stem}"
        )
    return stages.SCENES


@functools.cache
def raises() -> Mapping[Site, tuple[str, int, int]]:
    """Each place below plugins that makes one of our errors: C({(file, function, number in it): (path, first line, last line)})."""
    found: dict[Site, tuple[str, int, int]] = {}
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        name = path.relative_to(ROOT / "plugins").as_posix()
        count: Counter[str] = Counter()
        tree = ast.parse(path.read_text("utf-8"))
        for function, call in _made(tree, "", _ERRORS | _helpers(tree)):
            count[function] += 1
            found[name, function, count[function]] = (str(path), call.lineno, call.end_lineno or 0)
    return found


def _helpers(tree: ast.AST) -> set[str]:
    """The functions of a file that make an error for others to raise; by their annotation."""
    return {
        one.name
        for one in ast.walk(tree)
        if isinstance(one, ast.FunctionDef) and getattr(one.returns, "id", "") in _ERRORS
    }


def _made(node: ast.AST, function: str, makers: set[str]) -> Iterator[tuple[str, ast.Call]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and _makes(child, makers):
            yield function, child
        inside = child.name if isinstance(child, ast.FunctionDef) else function
        yield from _made(child, inside, makers)


def _makes(call: ast.Call, makers: set[str]) -> bool:
    """Whether it makes a sentence: of a helper only what it is given in words is another one each time."""
    name = _name(call.func)
    words = any(isinstance(one, (ast.Constant, ast.JoinedStr)) for one in call.args)
    return name in _ERRORS or name in makers and words


def _name(called: ast.expr) -> str:
    """What is called by its name alone, or by that of an own method."""
    if isinstance(called, ast.Attribute) and getattr(called.value, "id", "") == "self":
        return called.attr
    return getattr(called, "id", "")


def sites(notes: list[Note], said: str) -> set[Site]:
    """The places that made what of C(said) is one of our errors."""
    lines = {
        (_resolved(name), line)
        for message, places in notes
        if message in said
        for name, line in places
    }
    return {
        site
        for site, (path, first, last) in raises().items()
        if any((path, line) in lines for line in range(first, last + 1))
    }


@functools.cache
def _resolved(name: str) -> str:
    return str(Path(name).resolve())


def _call(case: Mapping[str, Any], stage: stages.Stage) -> Any:
    module, called = stages.found(case["call"])
    stage.when(module, case.get("when") or {})
    if "of" in case:
        owner = stages.found(case["call"].rpartition(".")[0])[1]
        called = functools.partial(called, owner(*stage.placed(case["of"])))
    typed = stage.placed(case["typed"])
    return stages.finished(called(**typed) if isinstance(typed, Mapping) else called(*typed))


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


def _groups(case: Mapping[str, Any]) -> Any:
    return mdb_plan.plan(
        mdb_tables.table_of(case.get("holds") or {}), mdb_tables.wish_of(case["typed"])
    )


def _guest(case: Mapping[str, Any]) -> Any:
    typed = case["typed"]
    wishes = guests.checked_all(
        [_params(one, guests.SPEC) for one in (typed if isinstance(typed, list) else [typed])]
    )
    holds = case.get("holds") or {}
    if "guests" in holds:
        now = {name: guest_plan.Guest(name, **one) for name, one in holds["guests"].items()}
        return guest_plan.plan(guest_plan.Guests(now), wishes)
    full = [
        (
            wish.name,
            supervision.kept(
                wish.name,
                guests.with_defaults(wish.spec, wish.name),
                wish.spec,
                wish.supervisor,
                holds.get("systemd", False),
            ),
        )
        for wish in wishes
    ]
    if "links" in holds:
        links = triplets.snapshot_of(holds).links
        for name, spec in full:
            taps.check(name, spec, links, holds.get("uid", 1000))
    return full


def _stanza(case: Mapping[str, Any]) -> Any:
    items = case["typed"] if isinstance(case["typed"], list) else [case["typed"]]
    keys = "name family method options auto allow_hotplug take_over hand_back file".split()
    wishes = [
        validate.checked({**dict.fromkeys(keys), "state": "present", **item}) for item in items
    ]
    holds = case.get("holds") or ""
    texts = {STANZAS: holds} if isinstance(holds, str) else holds
    return stanzas.plan(Files(STANZAS, texts, cloud_init=case.get("cloud_init", False)), wishes)


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
    flags = dict.fromkeys(holds.get("leased", ()), 0)
    flags.update(dict.fromkeys(holds.get("another_has_it", ()), 0x88))
    addresses = tuple(
        simulated.address(dev, text, flags=flags.get(dev, 0x80))
        for dev, texts in (holds.get("addresses") or {}).items()
        for text in texts
    )
    more = {key: tuple(holds[key]) for key in ("filter_rules", "listeners") if key in holds}
    if "route" in holds:
        more["routes"] = (_route(**holds["route"]),)
    more["clients"] = tuple(
        Client(dev, words.split()[0], (*words.split(), dev))
        for dev, words in holds.get("clients", {}).items()
    )
    more["traces"] = Traces(holds.get("files", {}))
    return preflight.check(Inet(now.links, addresses, **more), spec)


def _route(dst: str, via: str, dev: str, nexthop_id: int = 0, protocol: int = 3) -> Any:
    return replace(simulated.route(dst, Hop(dev, via), protocol=protocol), nexthop_id=nexthop_id)


def _role(case: Mapping[str, Any]) -> Any:
    bridge_host_items.typed_all(case["typed"])
    return bridge_host_refusals.bridge_host_refusals(case["typed"])


_SUBJECTS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "linux_bridge": _links("linux_bridge"),
    "bridge_port": _links("bridge_port"),
    "tap_device": _links("tap_device"),
    "bridge_fdb": _entries,
    "bridge_mdb": _groups,
    "qemu_guest": _guest,
    "interfaces_stanza": _stanza,
    "bridge_isolation": _proof,
    "bridge_uplink": _uplink,
    "bridge_host": _role,
}
