# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What ansible-core says of arguments, also where it raises on one instead of refusing it."""

from __future__ import annotations

from typing import Any, Mapping

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

# on .inf for a whole number, on half a surrogate pair, and on a number in the place of a dictionary
UNREAD = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
_MOST = 2**64


def unread(error: BaseException) -> str:
    """A sentence for what core raised, without its end."""
    return (
        f"ansible-core can't read the options ({type(error).__name__}: {error}); look for a number that is infinite, text that is no UTF-8, and a value in "
        "the place of a dictionary"
    )


def typed(
    given: Mapping[str, Any], spec: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Any], list[str]]:
    """The arguments with the types and defaults of their spec, C({option: value}), and what is wrong with them, a sentence each; none where all is well.

    C(spec) is an argument spec in Ansible's own form. Raises nothing: what Ansible can't read comes as C({}) and one sentence.
    """
    validator = ArgumentSpecValidator({key: dict(value) for key, value in spec.items()})
    try:
        result = validator.validate(given)
    except UNREAD as error:
        return {}, [unread(error)]
    return result.validated_parameters, result.error_messages or meaningless(
        result.validated_parameters
    )


def meaningless(value: Any, where: str = "") -> list[str]:
    """A sentence, without its end, for each number that no option can have, and each text that no file can: Python itself stumbles over them."""
    if isinstance(value, dict):
        found = [one for pair in value.items() for one in _of_pair(*pair)]
        name = value.get("name")  # of many items, which one it is
        named = isinstance(name, str) and name and _is_text(name)
        return [f"{name}: {one}" for one in found] if named else found
    if isinstance(value, list):
        return [one for inner in value for one in meaningless(inner, where)]
    if isinstance(value, (int, float)) and not -_MOST <= value <= _MOST:
        return [f"{where} is no number that a computer counts with; give one that is meant"]
    if isinstance(value, str) and not _is_text(value):
        return [f"{where} {value!r} is no text that a file could hold; write it anew"]
    return []


def _of_pair(key: Any, value: Any) -> list[str]:
    return [*meaningless(key, "a key"), *meaningless(value, str(key))]


def _is_text(value: str) -> bool:
    if value.isascii():
        return "\0" not in value
    try:
        return b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False
