# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change the network, connect anew, confirm: one task.

What proves that a host can be reached is a connection that did not exist before, made from outside. The session that carried the change proves nothing:
it may live on what the kernel remembers. So the change is confirmed over a TCP connection of its own, past any shared one. If that does not work in
time, the guard on the host undoes the change, and this task tells so.
"""

from __future__ import annotations

import contextlib
import time
import traceback
from typing import Any, Iterator, Mapping

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Fault
from ansible_collections.hypervisor.network.plugins.module_utils._core.guarding import WANTED
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.client import BOUND_SECONDS
from ansible_collections.hypervisor.network.plugins.module_utils._guard.timing import (
    LINK_SECONDS,
    MARGIN_SECONDS,
)

_TRANSACTION = "hypervisor.network.transaction"
_GUARDED = "hypervisor.network.guarded_change"
_DEFAULT_TIMEOUT = 60.0
_CONNECTIONS = 3  # as many fresh ones must fit into the guard's time, at the pace that was measured
# between two tries to connect, which fail at once where a network is unreachable
_PAUSE_SECONDS = 1.0
_WITH_TRACEBACK = 3  # -vvv
_AFTERWARDS_SECONDS = 20.0  # for a host to be back after its deadline, its DHCP client included
# Past any shared connection, and given up when nothing comes back
_FRESH = "-o ControlMaster=no -o ControlPath=none -o ServerAliveInterval=2 -o ServerAliveCountMax=4"

display = Display()


class GuardedAction(ActionBase):
    """The action of a module whose changes may be guarded: those of which it returns a C(transaction).

    Such a change is rare, and what guards it is large. So a module ships without, and refuses what wants a guard before anything is
    changed; then the guarded form of the module carries it out.
    """

    _supports_async = False
    MODULE = ""
    # nearly every change wants a guard, so the module foresees, and ships nothing that carries out
    ALWAYS_GUARDED = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        super().run(tmp, task_vars)
        self._vars = task_vars or {}
        applied: dict[str, Any] = {}
        try:
            applied = self._applied()
            if applied.get("failed") or "transaction" not in applied:
                return applied
            return self._confirmed(applied)
        except AnsibleError:
            raise
        except Exception as error:
            return {**applied, "changed": False, "failed": True, **_told(error, applied)}

    def _applied(self) -> dict[str, Any]:
        """What the module, or its guarded form, made of it."""
        return self._predicted_first() if self.ALWAYS_GUARDED else self._unguarded_first()

    def _predicted_first(self) -> dict[str, Any]:
        """In check mode the module predicts. Where it predicts nothing, there is nothing to guard either."""
        predicted = self._module(self.MODULE, self._task.args, check_mode=True)
        if self._task.check_mode or predicted.get("failed") or not predicted.get("changed"):
            return predicted
        refusal = self._too_short(predicted)
        if refusal:
            return {**predicted, "changed": False, "failed": True, "msg": refusal}
        return self._guarded_form()

    def _unguarded_first(self) -> dict[str, Any]:
        result = self._module(self.MODULE, self._task.args, check_mode=self._task.check_mode)
        if not result.pop(WANTED, False):
            return result
        # a guard's time of the default or more is believed
        refusal = self._too_short(result) if self._timeout() < _DEFAULT_TIMEOUT else ""
        if refusal:
            return {**result, "changed": False, "msg": refusal}
        return self._guarded_form()

    def _guarded_form(self) -> dict[str, Any]:
        form = {"module": self.MODULE.rpartition(".")[2], "options": dict(self._task.args)}
        return self._module(_GUARDED, form, check_mode=False)

    def _timeout(self) -> float:
        """The guard's time; what is no number is the module's to refuse."""
        try:
            return float(self._task.args.get("guard_timeout", _DEFAULT_TIMEOUT))
        except (TypeError, ValueError):
            return _DEFAULT_TIMEOUT

    def _confirmed(self, applied: dict[str, Any]) -> dict[str, Any]:
        transaction = applied["transaction"]
        deadline = time.monotonic() + transaction["seconds_left"]
        last = "no connection was tried, the time was too short"
        while time.monotonic() < deadline - MARGIN_SECONDS:
            answer, last = self._ask(transaction["id"], "confirmed")
            if answer is not None:
                return {
                    **applied,
                    "transaction": {
                        **transaction,
                        "state": "confirmed",
                        "confirmed_over": self._outside(),
                    },
                }
            display.vv(f"not confirmed yet: {last}", host=self._task_host())
            time.sleep(_PAUSE_SECONDS)
        return self._rolled_back(applied, deadline, last)

    def _rolled_back(self, applied: dict[str, Any], deadline: float, last: str) -> dict[str, Any]:
        """Nobody confirmed: wait until the host is back, and tell what happened."""
        transaction = applied["transaction"]
        time.sleep(max(0.0, deadline - time.monotonic()))
        what = f"This was changed: {transaction['what']}, and no new connection could confirm it: {last}"
        answer = None
        while answer is None and time.monotonic() < deadline + _AFTERWARDS_SECONDS:
            answer, gone = self._ask(transaction["id"], "rolled_back")
            if answer is None:
                time.sleep(_PAUSE_SECONDS)
        state = "unknown" if answer is None else answer["transaction"]["state"]
        if answer is not None:
            end = (
                f"The host is as it was before ({answer['transaction'].get('why', 'rolled back')})."
            )
        else:
            end = f"The host was to go back by itself after {transaction['timeout']:g} s; asked afterwards: {gone}"
        message = f"{what} {end} The transaction is {transaction['id']}."
        return {
            **applied,
            "changed": False,
            "failed": True,
            "msg": message,
            "transaction": {**transaction, "state": state},
        }

    def _ask(self, name: str, state: str) -> tuple[dict[str, Any] | None, str]:
        """The host's answer over a fresh connection; None and the reason where there is none, or a no."""
        args = {"id": name, "state": state, "netns": self._task.args.get("netns")}
        try:
            with self._fresh_connection():
                answer = self._module(_TRANSACTION, args, check_mode=False)
        except (AnsibleConnectionFailure, AnsibleError) as error:
            return None, " ".join(str(error).split())
        if answer.get("failed") or answer.get("unreachable"):
            return None, " ".join(str(answer.get("msg", "no reason given")).split())
        return answer, ""

    def _too_short(self, predicted: Mapping[str, Any]) -> str:
        """Why the guard's time does not do for what is predicted, empty where it does."""
        timeout = self._timeout()
        if not timeout or not self._outside():
            return ""
        began = time.monotonic()
        try:
            with self._fresh_connection():
                self._low_level_execute_command("true", sudoable=False)
        except (AnsibleConnectionFailure, AnsibleError) as error:
            reason = " ".join(str(error).split())
            return f"There is no second connection to this host, which could confirm the change, so nothing was changed: {reason}"
        once = time.monotonic() - began
        clients = [one for one in predicted.get("changes") or () if one.get("kind") == "dhcp"]
        leases = BOUND_SECONDS * sum(one.get("action") == "start" for one in clients)
        floor = _CONNECTIONS * once + LINK_SECONDS + MARGIN_SECONDS + leases
        if timeout >= floor:
            return ""
        return (
            f"guard_timeout {timeout:g} is too short: a fresh connection to this host takes {once:.1f} s"
            f"{f' and a DHCP client up to {leases:g} s for its lease' if leases else ''}, so the change could not be confirmed in time; "
            f"give at least {floor:.0f}."
        )

    @contextlib.contextmanager
    def _fresh_connection(self) -> Iterator[None]:
        """Within it, each command to the host makes a TCP connection of its own; the shared one is left alone, and used again afterwards."""
        if self._outside() != "ssh":
            with contextlib.suppress(AttributeError, AnsibleError):
                self._connection.reset()
            yield
            return
        usual = self._connection.get_option("ssh_args")
        self._connection.set_option("ssh_args", f"{_FRESH} {usual or ''}")
        try:
            yield
        finally:
            self._connection.set_option("ssh_args", usual)

    def _outside(self) -> str:
        """How the host is reached from outside; empty for the controller itself, where there is nothing to confirm from outside."""
        transport = self._connection.transport
        return "" if transport == "local" else transport

    def _module(self, name: str, args: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
        asked = self._task.check_mode
        self._task.check_mode = check_mode
        try:
            return self._execute_module(
                module_name=name, module_args=dict(args), task_vars=self._vars
            )
        finally:
            self._task.check_mode = asked

    def _task_host(self) -> str | None:
        return self._vars.get("inventory_hostname")


def _told(error: Exception, applied: Mapping[str, Any]) -> dict[str, Any]:
    """A fault of the action for the task's result, with its traceback under -vvv."""
    if applied:
        fault = Fault(
            "confirming the change",
            error,
            "The guard gives the host back when its time is over, unless it was confirmed.",
        )
    else:
        fault = Fault(
            "running the module",
            error,
            "Nothing was changed, or the guard gives the host back when its time is over.",
        )
    if display.verbosity < _WITH_TRACEBACK:
        return {"msg": str(fault)}
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return {"msg": str(fault), "traceback": text.splitlines()}
