# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What was overheard of DHCP, kept by client: however often one of them speaks, what the others said is neither lost nor cut short."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Collection

from ansible_collections.hypervisor.network.plugins.module_utils._doctor.dhcp_frames import (
    Said,
    Sighting,
)

# A client that nobody asked about may be the guest at a tap whose MAC is not known yet; so many are kept of those that speak first at a device
_MOST_STRANGERS = 16
# Unlike sightings of a client before its servers, of which anybody can make up any number, are told apart no more
_MOST_UNLIKE = 256


@dataclass
class Heard:
    """C(asked) are the MACs that are asked about. C(missed) frames came faster than they could be read."""

    asked: Collection[str] = ()
    missed: int = 0
    _clients: dict[str, dict[tuple[str, bool, Said], Sighting]] = field(default_factory=dict)
    _strangers: Counter[str] = field(default_factory=Counter)
    _by_dev: Counter[str] = field(default_factory=Counter)

    @property
    def sightings(self) -> list[Sighting]:
        """In the order in which each was had first."""
        every = [one for rows in self._clients.values() for one in rows.values()]
        return sorted(every, key=lambda one: one.at)

    @property
    def loudest(self) -> tuple[str, int] | None:
        """The device at which most frames came in, and how many; None where none did."""
        return next(iter(self._by_dev.most_common(1)), None)

    def take(self, at: float, dev: str, leaving: bool, said: Said) -> None:
        """A frame, that many seconds after the listening began."""
        if not leaving:
            self._by_dev[dev] += 1
        rows = self._clients.get(said.mac)
        if rows is None:
            if said.mac not in self.asked:
                if leaving or self._strangers[dev] >= _MOST_STRANGERS:
                    return
                self._strangers[dev] += 1
            rows = self._clients[said.mac] = {}
        key = (dev, leaving, said)
        if key not in rows and len(rows) >= _MOST_UNLIKE:
            if said.mac not in self.asked:
                return
            key = (dev, leaving, replace(said, server=""))
        old = rows.get(key)
        rows[key] = (
            Sighting(at, *key) if old is None else replace(old, times=old.times + 1, until=at)
        )
