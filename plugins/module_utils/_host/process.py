# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that outlive the run which starts them, as another user, and why the kernel ended one."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import itertools
import os
import pwd
import re
import resource
import select
from typing import Any, Callable, Iterator, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import GuestError
from ansible_collections.hypervisor.network.plugins.module_utils._host import child as children
from ansible_collections.hypervisor.network.plugins.module_utils._host.procfs import (
    Identity,
    Process,
)
from ansible_collections.hypervisor.network.plugins.module_utils._host.programs import PATH

_FIRST_FREE_FD = 3
_OOM_SCORE = 200  # a guest goes before the host's own services do
_EXEC_DEADLINE = 10.0
_KERNEL_LOG = "/dev/kmsg"
_PR_CAPBSET_DROP = 24  # linux/prctl.h
_LIBC = ctypes.CDLL(None, use_errno=True)
# What a process of its own does; it calls what it is given once it is sure to work
Work = Callable[[Callable[[], None]], None]


def killed_for_memory(who: Identity, log: str = _KERNEL_LOG) -> bool:
    """Whether the kernel's log says that it killed this process for lack of memory, of the host or of a cgroup (mm/oom_kill.c).

    C(who) is one of this boot, which the log is of. False too where the log cannot be read, or is past it.
    """
    killed = re.compile(rb"out of memory: killed process %d \(" % who.pid, re.IGNORECASE)
    return any(killed.search(record) for record in _kernel_log(log))


def _kernel_log(path: str) -> Iterator[bytes]:
    """The records of the kernel's log as it is now (Documentation/ABI/testing/dev-kmsg)."""
    try:
        with open(
            path,
            "rb",
            buffering=0,
            opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK),
        ) as log:
            while True:
                try:
                    record = log.read(8192)
                except BrokenPipeError:  # overwritten while it was waited for: the next one follows
                    continue
                if not record:  # None behind the last: it does not wait for another
                    return
                yield record
    except OSError:
        return


def account(user: str) -> pwd.struct_passwd:
    """The account of a name or number. Raises GuestError."""
    try:
        return pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except KeyError:
        raise GuestError(
            f"There is no user '{user}' on this host; make it first, such as with ansible.builtin.user."
        ) from None


def may_open(found: os.stat_result, user: Any) -> bool:
    """Whether C(user) (a struct_passwd) may open a file to read and write, as the kernel decides; root always may."""
    if user.pw_uid == 0:
        return True
    if found.st_uid == user.pw_uid:
        bits = found.st_mode >> 6
    elif found.st_gid in os.getgrouplist(user.pw_name, user.pw_gid):
        bits = found.st_mode >> 3
    else:
        bits = found.st_mode
    return bits & 6 == 6


def spawn(
    argv: Sequence[str],
    descriptors: Mapping[int, int],
    stderr: int,
    user: pwd.struct_passwd,
    recorded: Callable[[Identity], None],
) -> None:
    """Start a program that outlives this process and its session, as C(user).

    C(descriptors) maps the numbers the program knows to open descriptors here; everything else is closed. C(recorded) is
    called with the new identity in the new process, before the program: there is no moment in which it runs unrecorded.
    Raises GuestError where it cannot be executed.
    """

    def execute(_ready: Callable[[], None]) -> None:
        os.execve(argv[0], list(argv), {"PATH": PATH, "LANG": "C.UTF-8"})

    _apart(f"execute {argv[0]}", execute, descriptors, stderr, user, recorded)


def fork(
    what: str,
    work: Work,
    descriptors: Mapping[int, int],
    stderr: int,
    user: pwd.struct_passwd,
    recorded: Callable[[Identity], None] = lambda _who: None,
) -> None:
    """Have C(work) done by a process of its own that outlives this one, as C(user); see C(spawn) for the rest.

    Nothing is executed, so the user needs no interpreter that it may read. A GuestError says that C(what) cannot be done where
    C(work) raises OSError before it is sure to.
    """
    _apart(what, work, descriptors, stderr, user, recorded)


def _apart(
    what: str,
    work: Work,
    descriptors: Mapping[int, int],
    stderr: int,
    user: pwd.struct_passwd,
    recorded: Callable[[Identity], None],
) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            os.setsid()
            if os.fork() == 0:
                _become(work, descriptors, stderr, user, recorded, writer)
        except BaseException as error:  # nothing may unwind into the caller's code in this process
            _complain(writer, _words(error))
        finally:
            os._exit(127)
    os.close(writer)
    os.waitpid(child, 0)
    try:
        poller = select.poll()
        poller.register(reader, select.POLLIN | select.POLLHUP)
        # closed once it is sure to work, as by a successful exec; written to by what failed
        complaint = (
            os.read(reader, 4096) if poller.poll(int(_EXEC_DEADLINE * 1000)) else b"it hangs"
        )
    finally:
        os.close(reader)
    if complaint:
        raise GuestError(f"Cannot {what}: {complaint.decode(errors='replace')}.")


def _become(
    work: Work,
    descriptors: Mapping[int, int],
    stderr: int,
    user: pwd.struct_passwd,
    recorded: Callable[[Identity], None],
    writer: int,
) -> None:
    """The last steps in the new process; returns where C(work) does."""
    children.ordinary(_OOM_SCORE)
    who = Process(os.getpid()).identity()
    if who is None:
        raise OSError(errno.ENOENT, "it cannot read /proc")
    recorded(who)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # out of the way of the numbers that are asked for, before any of them is overwritten
    above = _FIRST_FREE_FD + len(descriptors)
    moved = {number: _above(descriptor, above) for number, descriptor in descriptors.items()}
    errors, status = _above(stderr, above), _above(writer, above)
    null = os.open(os.devnull, os.O_RDWR)
    for target, source in {0: null, 1: errors, 2: errors, **moved}.items():
        os.dup2(source, target, inheritable=True)
    os.dup2(status, above, inheritable=False)
    children.close_all_but(range(above + 1))
    os.chdir("/")
    os.umask(0o177)  # a socket that it makes is 0600
    try:
        if user.pw_uid != os.getuid():
            _drop_bounding_set()
            os.initgroups(user.pw_name, user.pw_gid)
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
        work(lambda: os.close(above))
    except OSError as error:
        _complain(above, error.strerror or str(error))
        os._exit(127)


def _drop_bounding_set() -> None:
    """No program that this process or a child of it executes gives it a capability, whatever its file says (capabilities(7)); as a unit has it."""
    for number in itertools.count():
        if _LIBC.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0) < 0:
            # EINVAL behind the kernel's last one. EPERM where root itself lacks CAP_SETPCAP, as in some containers: nothing can be done there
            return


def _complain(status: int, why: str) -> None:
    """The last words: whoever hears them finds no lock held any more that this process got from it."""
    children.close_all_but([status])
    os.write(status, why.encode(errors="replace"))


def _words(error: BaseException) -> str:
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    return error.strerror + (f" ({error.filename})" if isinstance(error.filename, str) else "")


def _above(descriptor: int, least: int) -> int:
    """A copy of a descriptor with a higher number than any that is given away."""
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, least + 1)
