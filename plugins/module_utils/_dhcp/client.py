# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What a DHCP client is to a planner."""

from __future__ import annotations

from dataclasses import dataclass, field

# Longest wait for a client that was started to have its lease
BOUND_SECONDS = 20.0


@dataclass(frozen=True)
class Client:
    """A DHCP client: the device it serves, its program, and the command line that a successor gets.

    C(argv) begins with the program's name, never with a path: which file that is, this host's own folders say. C(pid) is how it is found now,
    C(metric) that of the routes which its lease brought (None: it brought none), and C(left) are the options which its successor does not get.
    """

    dev: str
    program: str
    argv: tuple[str, ...]
    pid: int = field(default=0, compare=False)
    metric: int | None = field(default=None, compare=False)
    left: tuple[str, ...] = field(default=(), compare=False)

    @property
    def binds_link_local(self) -> bool:
        """Whether it ends at once where the device has no link-local address yet that it could bind; dhcpcd waits for one by itself."""
        return self.program == "dhclient" and "-6" in self.argv[1:]
