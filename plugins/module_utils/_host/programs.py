# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that finds and runs programs of the host, which may be missing, not answer, or print anything.

AnsibleModule.run_command is not at hand: a guard runs programs when its module is gone, and most are wanted with a deadline.
"""

from __future__ import annotations

import errno
import shutil
import subprocess
from dataclasses import dataclass
from typing import IO, Any, Callable, Mapping, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._host import as_user, child

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C"}
_SECONDS = 10.0


@dataclass(frozen=True)
class Done:
    """How a program ended: C(status), and what it said. Names in it are bytes from anybody: what is no text is replaced by a mark."""

    status: int
    output: str = ""
    errors: str = ""


def path_of(name: str) -> str | None:
    """Where a program is, None where it is not installed; a caller's own PATH may lack the folders of the administrator's."""
    return shutil.which(name, path=PATH)


def run(
    words: Sequence[str],
    seconds: float = _SECONDS,
    *,
    before: Callable[[], None] = child.ordinary,
    rights: Mapping[str, Any] | None = None,
    descriptors: Sequence[int] = (),
    said: IO[bytes] | None = None,
) -> Done:
    """Run a program to its end; one that takes longer than C(seconds) is killed.

    C(before) is called in the child, C(rights) are another user's (as_user.py) and taken after that, C(descriptors) stay open in it. Given the file
    C(said), its complaints go there and it has a session of its own: a daemon that it leaves behind would keep a pipe open. Raises OSError where it cannot
    be started, TimeoutError where it was killed.
    """
    sinks: dict[str, Any] = {"capture_output": True}
    if said is not None:
        sinks = {"stdout": subprocess.DEVNULL, "stderr": said, "start_new_session": True}

    def begin() -> None:
        # as another user the process could not take its place among those that the kernel ends any more
        before()
        if rights:
            as_user.become(**rights)

    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function,subprocess-popen-preexec-fn
            words,
            check=False,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            env=ENVIRONMENT,
            preexec_fn=begin,
            pass_fds=descriptors,
            **sinks,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(
            errno.ETIMEDOUT, f"{words[0]} did not end within {seconds:g} s"
        ) from None
    except subprocess.SubprocessError as error:  # what the child did before it was the program
        raise OSError(errno.ECHILD, str(error)) from None
    return Done(done.returncode, _text(done.stdout), _text(done.stderr))


def start(words: Sequence[str], before: Callable[[], None]) -> Callable[[float], None]:
    """Start a daemon, which lives on whatever comes; returns what waits, so many seconds at most, until it is in the background.

    C(before) is called in the child. Raises OSError where it cannot be started.
    """
    try:
        # nothing here has threads
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with,subprocess-popen-preexec-fn
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, close_fds=True,
            cwd="/", env=ENVIRONMENT, preexec_fn=before,  # noqa: PLW1509
        )  # fmt: skip
    except subprocess.SubprocessError as error:
        raise OSError(errno.ECHILD, str(error)) from None

    def wait(seconds: float) -> None:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass

    return wait


def printed(words: Sequence[str]) -> str | None:
    """What a program prints, empty where it does not answer in time; None where it is not installed."""
    program = path_of(words[0])
    if program is None:
        return None
    try:
        return run([program, *words[1:]]).output
    except OSError:
        return ""


def last_words(said: str, most: int = 300) -> str:
    """The end of what a program said, in one line."""
    return " ".join(said.split())[-most:]


def _text(said: bytes | None) -> str:
    return (said or b"").decode("utf-8", "replace")
