# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, by meaning.

::

    HypervisorNetworkError
    ├── BadInput           the wish itself is wrong; nothing was read or sent
    ├── Refused            the wish is fine, this host is not; nothing was changed
    │   └── Unsupported    this kernel or this library lacks what was asked for
    ├── MissingDependency  a Python library or a program is not installed
    ├── KernelError        the kernel answered a message with an errno
    ├── ReadBackError      the write was accepted, and the host does not show it
    ├── DeadlineExceeded   what was waited for did not come
    ├── GuestError         QEMU said no, or died
    │   └── HungUp         QEMU closed its monitor in the middle
    ├── Fault              what none of these foresaw: a fault of this collection
    └── UndoFailed         a failure, and then the way back failed too

Every message is one sentence in one line: what, why, what to do. Utilities raise these; only the edge of a module
turns one into C(fail_json). C(during) makes a Fault of whatever else is raised while a step is taken.
"""

from __future__ import annotations

import contextlib
import errno as _errno
from typing import Iterator

ISSUES = "https://github.com/hypervisor-network/hypervisor.network/issues"
UNCHANGED = "Nothing was changed."
_MOST_CHARACTERS = 300
# of a sentence: the end says what to do
_LONGEST, _BEGIN = 2400, 1200
# What comes after it are commands that a person types: in part they are of no use
IN_THIS_ORDER = ", in this order: "


class HypervisorNetworkError(Exception):
    """The root. C(facts) are keys for the module's failure beside its message."""

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(sentence(str(message)))
        self.facts = facts


class BadInput(HypervisorNetworkError):
    """The wish itself is wrong."""


class Refused(HypervisorNetworkError):
    """This host, as it is, must not be changed that way."""


class Unsupported(Refused):
    """This kernel or this library lacks it."""


class MissingDependency(HypervisorNetworkError):
    """A library or a program is missing."""


class ReadBackError(HypervisorNetworkError):
    """Written, accepted, and not there."""


class DeadlineExceeded(HypervisorNetworkError):
    """What was waited for did not come in time."""


class GuestError(HypervisorNetworkError):
    """QEMU refused, or died."""


class HungUp(GuestError):
    """QEMU closed its monitor in the middle: it has ended, or is about to."""


class UndoFailed(HypervisorNetworkError):
    """The way back failed as well: the host is neither as before nor as wished."""


class Fault(HypervisorNetworkError):
    """A fault of this collection: C(error) is none of ours, and came while C(doing). C(state) is a sentence on the host, empty where another follows."""

    def __init__(self, doing: str, error: BaseException, state: str = UNCHANGED) -> None:
        super().__init__(
            f"This user may not do what {doing} takes: {_named(error)}; run the task with become: true, or as root see lsattr. {state}"
            if isinstance(error, PermissionError)
            else f"This is a fault of the collection hypervisor.network, which came upon {_named(error)} while {doing}; "
            f"please report it at {ISSUES} with what the task says under -vvv. {state}"
        )


class KernelError(HypervisorNetworkError):
    """The kernel refused a message.

    C(errno) is the positive error number, C(what) the change in words ("attach port tap1 to br0"), C(meaning) what the number means there alone.
    """

    def __init__(self, what: str, errno: int, meaning: str | None = None) -> None:
        # C has two names for that number, and the kernel means this one
        name = (
            "EOPNOTSUPP" if errno == _errno.EOPNOTSUPP else _errno.errorcode.get(errno, str(errno))
        )
        meaning = meaning or _MEANINGS.get(errno, "the kernel refused it")
        super().__init__(f"Cannot {what}: {meaning} ({name}).")
        self.errno = errno


@contextlib.contextmanager
def during(doing: str, state: str = UNCHANGED) -> Iterator[None]:
    """A step in words, such as "reading the host": what is raised within, and is no error of this file, becomes a Fault that names it."""
    try:
        yield
    except HypervisorNetworkError:
        raise
    except Exception as error:
        raise Fault(doing, error, state) from error


def sentence(text: str) -> str:
    """One line that people can read, whatever was typed or is in a file: what turns, hides or ends it is escaped, the middle of what is too long left out."""
    line = "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode()
        for one in " ".join(text.split())
    )
    if len(line) <= _LONGEST or IN_THIS_ORDER in line:
        return line
    return f"{line[:_BEGIN]} ... {line[len(line) - (_LONGEST - _BEGIN) :]}"


def _named(error: BaseException) -> str:
    """An exception for a sentence: its class, and its text on one line, whatever bytes are in it."""
    try:
        text = " ".join(str(error).encode("utf-8", "backslashreplace").decode().split())
    except Exception:  # a text that can't even be made
        text = ""
    more = "..." if len(text) > _MOST_CHARACTERS else ""
    return type(error).__name__ + (f" ({text[:_MOST_CHARACTERS]}{more})" if text else "")


# The one errno table: what the bridge, tun and routing code of the kernel mean by their numbers.
_MEANINGS = {
    _errno.EPERM: "the kernel wants CAP_NET_ADMIN; run the task with become",
    _errno.EACCES: "this user may not; run the task with become",
    _errno.EBUSY: "the device is in use by something else, such as a macvlan on it or a process that holds it; free it first",
    _errno.EEXIST: "it exists already, made by somebody else meanwhile; run the task again",
    _errno.ENODEV: "no such device",
    _errno.ELOOP: "a bridge cannot be a port of a bridge",
    _errno.EXFULL: "the bridge has its 1023 ports already; use a second bridge",
    _errno.EOPNOTSUPP: "this kernel or this device does not support it",
    _errno.ERANGE: "the value is outside the kernel's range",
    _errno.EINVAL: "the kernel calls the value invalid",
    _errno.EADDRNOTAVAIL: "the address cannot be used here",
    _errno.EROFS: "it is mounted read-only, as /proc/sys of a container is; run the task where it can be written",
    _errno.ENETDOWN: "the device is down",
    _errno.ENETUNREACH: "the gateway is on no connected network",
    _errno.ENOBUFS: "the kernel has no buffer left for it; run the task again when it has less to do",
}
