# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server or a router gives again is waited for, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._persist import given
from ansible_collections.hypervisor.network.tests.harness.model.persisted import Told

LEASED, PERMANENT = 0, 0x80  # flags of addresses


class Clock:
    """Time that goes on only while somebody sleeps."""

    def __init__(self, then: object) -> None:
        self.now = 0.0
        self.naps = 0
        self._then = then

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.naps += 1
        if callable(self._then):
            self._then()


def waited(monkeypatch: pytest.MonkeyPatch, told: Told, gone: object, answer: bool = True) -> Clock:
    """How often it slept until what is C(gone) was there again, with an answer of the server after the first nap."""
    before = given.standing(told)  # type: ignore[arg-type]
    there = told.now
    told.now = replace(there, **gone)  # type: ignore[arg-type]

    def give() -> None:
        if answer:
            told.now = there

    clock = Clock(give)
    monkeypatch.setattr(given, "time", clock)
    given.wait(told, before, ("br0", "eth0"), 3.0)  # type: ignore[arg-type]
    return clock


@pytest.fixture
def told() -> Told:
    made = Told()
    leased = tuple(replace(one, flags=LEASED) for one in made.now.addresses)
    made.now = replace(made.now, addresses=leased)
    return made


def test_a_lease_that_comes_again_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    assert waited(monkeypatch, told, {"addresses": told.now.addresses[1:]}).naps == 1


def test_a_server_that_does_not_answer_is_waited_for_in_vain(
    monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    clock = waited(monkeypatch, told, {"addresses": ()}, answer=False)
    assert clock.now == pytest.approx(3.0, abs=0.5)


def test_what_nobody_gives_again_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    links = told.now.links
    loose = {**links, "eth0": replace(links["eth0"], master=None)}
    assert waited(monkeypatch, told, {"links": loose, "addresses": ()}).naps == 0
    lasting = Told()
    kept = tuple(replace(one, flags=PERMANENT) for one in lasting.now.addresses)
    lasting.now = replace(lasting.now, addresses=kept)
    assert waited(monkeypatch, lasting, {"addresses": ()}).naps == 0


def test_where_all_is_there_nobody_waits(monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    assert waited(monkeypatch, told, {}).naps == 0
