# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge of every module: whatever it is given and whatever is raised, the process ends with one failure in JSON.

Apart from _core/module.py, since modules that only read want nothing else of it.
"""

from __future__ import annotations

import contextlib
import traceback
from typing import Any, Callable, Iterator, Sequence

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.hypervisor.network.plugins.module_utils._core import arguments
from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    UNCHANGED,
    Fault,
    HypervisorNetworkError,
    during,
    sentence,
)

_WITH_TRACEBACK = 3  # -vvv


class Module(AnsibleModule):  # type: ignore[misc]
    """A module whose every failure is one sentence, ansible-core's own on its arguments too: those quote what was typed, line ends included."""

    def __init__(self, **options: Any) -> None:
        try:
            super().__init__(**options)
        except arguments.UNREAD as error:
            self.fail_json(f"{arguments.unread(error)}. {UNCHANGED}")
        wrong = arguments.meaningless(self.params)
        if wrong:
            self.fail_json(f"{'; '.join(wrong)}. {UNCHANGED}")

    def fail_json(self, msg: str, **facts: Any) -> None:
        super().fail_json(sentence(msg), **facts)


@contextlib.contextmanager
def failures(
    module: Any, doing: str, state: str = UNCHANGED, told: Callable[[], Sequence[str]] = list
) -> Iterator[None]:
    """Leave the process as C(module) with what is raised within: an error of ours, or a Fault while C(doing), see _core/errors.during.

    C(told()) are sentences to warn of before. The way out by C(exit_json) is a SystemExit, and not stopped.
    """
    try:
        with during(doing, state):
            yield
    except HypervisorNetworkError as error:
        for sentence in told():
            module.warn(sentence)
        module.fail_json(msg=str(error), **error.facts, **_traceback(module, error))


def _traceback(module: Any, error: BaseException) -> dict[str, Any]:
    """Where a fault came from, for -vvv: newer cores show C(exception) only where DISPLAY_TRACEBACK says so, so it is a key of its own too."""
    if module._verbosity < _WITH_TRACEBACK or not any(
        isinstance(one, Fault) for one in _chain(error)
    ):
        return {}
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return {"exception": text, "traceback": text.splitlines()}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what it was made of."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
