# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge: where a module's parameters become a wish, and an outcome or an error becomes JSON."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.edge import Module, failures
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    UNCHANGED,
    BadInput,
    during,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Outcome, diff_of
from ansible_collections.hypervisor.network.plugins.module_utils._core.reconcile import reconcile

Work = Callable[
    [Mapping[str, Any], list[dict[str, Any]]],
    tuple[Any, Any, Callable[[Outcome], Sequence[Any]]],
]


def run(
    spec: Mapping[str, Any],
    *,
    plural: str | None,
    singular: str,
    work: Work,
    common: Sequence[str] = ("netns",),
    identity: Sequence[str] = ("name",),
    more: Callable[[Outcome, Any], Mapping[str, Any]] | None = None,
    **module_options: Any,
) -> None:
    """Run a module of the usual form and leave the process.

    C(spec) is the argument spec of one item; C(plural) the option that takes many (None: the module has no list);
    C(singular) the key of the result for one item. C(common) names the options of the whole run, which no item has.
    C(identity) are the options that tell two items apart. C(more(outcome, noun)) gives keys to add to the result, such as another C(diff).
    C(work(params, items)) returns the noun, the wish, and a function that describes the items after an outcome.
    """
    module = Module(
        argument_spec=argument_spec(spec, plural, common),
        supports_check_mode=True,
        **module_options,
    )
    carry_out(module, module.params, spec, plural, singular, work, common, identity, more)


def carry_out(
    module: Module,
    params: Mapping[str, Any],
    spec: Mapping[str, Any],
    plural: str | None,
    singular: str,
    work: Work,
    common: Sequence[str] = ("netns",),
    identity: Sequence[str] = ("name",),
    more: Callable[[Outcome, Any], Mapping[str, Any]] | None = None,
) -> None:
    """Do with C(params) what C(run) says, and leave the process as C(module)."""
    guard = None
    with failures(
        module, "ending the run", "Look at the host.", lambda: getattr(guard, "told", ())
    ):
        with during("checking the options"):
            items = items_of(params, spec, plural, common, identity)
            noun, wish, describe = work(params, items)
            guard = getattr(noun, "guard", None)
        lock = ExitStack()
        with during("waiting for other runs"):
            lock.enter_context(getattr(noun, "alone", nullcontext)())
        with lock:
            outcome = reconcile(noun, wish, module.check_mode, guard)
        with during("describing what was done", _state_of(outcome, guard)):
            described = list(describe(outcome))
            added = {} if more is None else dict(more(outcome, noun))
            transaction = {} if guard is None else guard.facts()
            result: dict[str, Any] = {
                "changed": outcome.changed,
                "changes": [change.as_dict() for change in outcome.changes],
                "diff": diff_of(outcome.changes),
                **added,
            }
            if transaction:
                result["transaction"] = transaction
            if plural is not None and params[plural] is not None:
                result[plural] = described
            else:
                result[singular] = described[0] if described else None
            for sentence in getattr(guard, "told", ()):
                module.warn(sentence)
            module.exit_json(**result)


def _state_of(outcome: Outcome, guard: Any) -> str:
    """What a fault after all was done leaves behind."""
    if outcome.after is outcome.before:
        return UNCHANGED
    if guard is not None and guard.facts():
        return "All was carried out, and the guard gives the host back when its time is over, since nobody confirms it."
    return "All was carried out before, and stays."


def argument_spec(
    spec: Mapping[str, Any], plural: str | None, common: Sequence[str]
) -> dict[str, Any]:
    """The spec of one item, and the list option that takes many of them.

    An item has no defaults of its own: what it leaves out comes from beside the list.
    """
    full = {key: dict(value) for key, value in spec.items()}
    if plural is None:
        return full
    options = {}
    for key, value in spec.items():
        if key not in common:
            options[key] = {
                word: setting
                for word, setting in value.items()
                if word not in ("default", "required")
            }
    full[plural] = {"type": "list", "elements": "dict", "options": options}
    return full


def items_of(
    params: Mapping[str, Any],
    spec: Mapping[str, Any],
    plural: str | None,
    common: Sequence[str],
    identity: Sequence[str] = ("name",),
) -> list[dict[str, Any]]:
    """The items of a run: the list's, each completed from the options beside it, or the one that is named directly.

    Each is C({option: value}) with every option of C(spec) but those of C(common), None where not given. C(plural) is the list's option, None where a module
    has none; C(identity) are the options that tell items apart. Raises BadInput where nothing is named, both are, or two items are the same.
    """
    own = {key: params[key] for key in spec if key not in common}
    if plural is None or params[plural] is None:
        if own.get("name", "") is None:
            raise BadInput(f"Nothing is named: give 'name', or a list in '{plural}'.")
        return [own]
    if own.get("name") is not None:
        raise BadInput(
            f"Both 'name' and '{plural}' are given: name one device directly, or many in the list."
        )
    items = [
        {key: own[key] if item.get(key) is None else item[key] for key in own}
        for item in params[plural]
    ]
    _check_named(items, plural, identity)
    return items


def _check_named(items: Sequence[Mapping[str, Any]], plural: str, identity: Sequence[str]) -> None:
    seen: set[tuple[Any, ...]] = set()
    for number, item in enumerate(items, 1):
        if "name" not in item:
            continue
        if item["name"] is None:
            raise BadInput(f"Item {number} of '{plural}' has no name; give it one.")
        who = tuple(item[key] for key in identity)
        if who in seen:
            raise BadInput(
                f"'{item['name']}' is listed twice in '{plural}': each device may be described once."
            )
        seen.add(who)
