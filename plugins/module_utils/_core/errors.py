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
    └── UndoFailed         a failure, and then the way back failed too

Every message is one sentence in one line: what, why, what to do. Utilities raise these; only the edge of a module
turns one into C(fail_json).
"""

from __future__ import annotations

import errno as _errno


class HypervisorNetworkError(Exception):
    """The root. C(facts) are keys for the module's failure beside its message."""

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(" ".join(str(message).split()))
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


class UndoFailed(HypervisorNetworkError):
    """The way back failed as well: the host is neither as before nor as wished."""


class KernelError(HypervisorNetworkError):
    """The kernel refused a message.

    C(errno) is the positive error number, C(what) the change in words ("attach port tap1 to br0").
    """

    def __init__(self, what: str, errno: int) -> None:
        name = _errno.errorcode.get(errno, str(errno))
        meaning = _MEANINGS.get(errno, "the kernel refused it")
        super().__init__(f"Cannot {what}: {meaning} ({name}).")
        self.errno = errno


# The one errno table: what the bridge, tun and routing code of the kernel mean by their numbers.
_MEANINGS = {
    _errno.EPERM: "the kernel wants CAP_NET_ADMIN; run the task with become",
    _errno.EACCES: "this user may not; run the task with become",
    _errno.EBUSY: "the device is in use by something else, such as a macvlan on it or a process that holds it",
    _errno.EEXIST: "it exists already, made by somebody else meanwhile",
    _errno.ENODEV: "no such device",
    _errno.ELOOP: "a bridge cannot be a port of a bridge",
    _errno.EXFULL: "the bridge has its 1023 ports already",
    _errno.EOPNOTSUPP: "this kernel or this device does not support it",
    _errno.ERANGE: "the value is outside the kernel's range",
    _errno.EINVAL: "the kernel calls the value invalid",
    _errno.EADDRNOTAVAIL: "the address cannot be used here",
    _errno.ENETDOWN: "the device is down",
    _errno.ENETUNREACH: "the gateway is on no connected network",
    _errno.ENOBUFS: "the kernel has no buffer left for it",
}
