# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests as a noun for the one loop: the planner of _guest, its changes as calls of a supervisor."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from typing import Any, Callable, Container, Iterable, Iterator, Mapping, Protocol, Sequence

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import (
    GuestError,
    Refused,
)
from ansible_collections.hypervisor.network.plugins.module_utils._core.plan import Change, Plan
from ansible_collections.hypervisor.network.plugins.module_utils._core.snapshot import Snapshot
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import (
    hotplug,
    supervision,
    taps,
)
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import plan as guest_plan
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.arrival import Arrivals
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.growth import Growth
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec import Wish
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.spec_seed import Seed
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.starts import Starts
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.stops import Ended, Stops

UNPLUG_SECONDS = 20.0  # for a guest to let go of a device, or to fill its balloon
_ADJUSTING = "is not changed"


class Wire(Protocol):
    """What is needed of the kernel, in the namespace of the guests' taps."""

    def snapshot(self) -> Snapshot:
        """The links as they are now."""

    def wait_for_mac(self, mac: str, timeout: float) -> Any:
        """The forwarding entry of that MAC as soon as there is one, None after C(timeout) seconds."""


class Supervisor(Protocol):
    """What keeps guests, whatever keeps them: the one port between this noun and the host."""

    def directory(self, name: str) -> Any:
        """Where the guest has its sockets (rundir.RunDirectory)."""

    def busy(self, names: Iterable[str]) -> AbstractContextManager[None]:
        """Hold these guests against other runs. Raises Refused."""

    def read_all(
        self, names: Iterable[str], plugging: Container[str] = ()
    ) -> Mapping[str, guest_plan.Guest]:
        """What the host has of these guests; of those C(plugging) with what there is room for."""

    def systemd(self) -> bool:
        """Whether guests can be units here."""

    def check(
        self,
        name: str,
        spec: Mapping[str, Any],
        made: Mapping[str, Mapping[str, Any]],
        refusing: str = "is not started",
    ) -> None:
        """Raise where a start of this definition cannot work; C(made) are the recipes of images that will be there by then.

        C(refusing) says for a sentence what is not done.
        """

    def uid_of(self, spec: Mapping[str, Any]) -> int:
        """Whom a guest of this definition runs as."""

    def taps_of(self, pid: int | None) -> frozenset[str]:
        """The taps that a process holds, by the names that they have by now."""

    def make_known(self, specs: Mapping[str, Mapping[str, Any]]) -> None:
        """Be told, before the first start, what guests that are down will be started with."""

    def start(self, name: str, spec: Mapping[str, Any], paused: bool = False) -> Any:
        """Start a guest, at the latest when it is awaited, and return what C(await_machine) is told of it."""

    def await_machine(self, name: str, started: Any) -> None:
        """Return when a guest that was started answers."""

    def stop(self, graces: Mapping[str, float]) -> Ended:
        """End guests in their order, asking each first for its seconds; what was done to each, by their names, or why it is not ended."""

    def tell(self, name: str, steps: Iterable[hotplug.Step]) -> None:
        """Have a guest that runs take over something."""

    def adjust(
        self, name: str, spec: Mapping[str, Any], steps: Sequence[hotplug.Step], seconds: float
    ) -> None:
        """Have a guest take over something for which it has to do its part, within C(seconds) for each step."""

    def adopt(self, name: str, grace: float) -> None:
        """Have systemd take over a guest that runs as a plain process, and ask it for C(grace) seconds when the host ends."""

    def resume(self, name: str) -> None:
        """Let it go on."""

    def pause(self, name: str) -> None:
        """Hold its processors still."""

    def define(self, name: str, spec: Mapping[str, Any], strict: bool = True) -> None:
        """Put another definition in place, for now where a guest can take it over, else for the next start.

        Raises what C(check) does, unless not C(strict).
        """

    def remove(self, name: str, forget: bool = True) -> None:
        """Forget a guest that is stopped; what it keeps beside its disks stays unless C(forget)."""

    def create_seed(
        self, name: str, spec: Mapping[str, Any], seed: Seed, keep: Sequence[str]
    ) -> None:
        """Make the seed of this definition, and remove others but those of C(keep)."""

    def remove_kept(self, name: str, seeds: Iterable[str] | None) -> None:
        """Remove these seeds of a guest, or with None all that it keeps beside its disks."""

    def create_image(self, recipe: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        """Make a disk image for a guest of that definition."""

    def remove_image(self, path: str) -> None:
        """Remove an image that this run made."""

    def image_size(self, name: str, spec: Mapping[str, Any], path: str) -> int | None:
        """What a guest sees of an image that nobody has open, None where it cannot be looked at."""

    def check_growth(self, name: str, spec: Mapping[str, Any], path: str) -> None:
        """Raise where that disk cannot be made larger."""

    def grow_image(self, name: str, spec: Mapping[str, Any], path: str, size: int) -> None:
        """Make an image larger that nobody has open."""


class GuestNoun:
    """See C(_core/reconcile.Noun). C(wishes) are those of the run: their deadlines are needed when changes are applied.

    C(wire) makes the netlink socket at first need: a run that only looks at guests, or stops them, needs no network.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        wire: Callable[[], Wire],
        wishes: Sequence[Wish],
        image_exists: Callable[[str], bool],
    ) -> None:
        self._supervisor = supervisor
        self._wire = wire
        self._wishes = {wish.name: wish for wish in wishes}
        self._image_exists = image_exists
        self._begun: list[str] = []
        self._undoing = False
        self._growth = Growth(supervisor)
        self._starts = Starts(supervisor)
        self._arrivals = Arrivals(
            self._wishes,
            wire,
            lambda name: supervisor.read_all([name])[name],
            lambda name: supervisor.directory(name).public,
        )
        self._stops = Stops(supervisor.stop, {}, ())
        self.stop_steps: dict[str, list[dict[str, Any]]] = {}

    def read(self) -> guest_plan.Guests:
        moving = {name for name, wish in self._wishes.items() if wish.on_change != "keep"}
        guests = self._supervisor.read_all(self._wishes, moving)
        there = {
            path: self._image_exists(path) for wish in self._wishes.values() for path in wish.images
        }
        sizes = {
            path: self._size(guests[wish.name], wish, path)
            for wish in self._wishes.values()
            for path, recipe in wish.images.items()
            if there[path] and recipe["size"] is not None
        }
        return guest_plan.Guests(guests, there, self._supervisor.systemd(), sizes)

    def _size(self, guest: guest_plan.Guest, wish: Wish, path: str) -> int | None:
        drive = guest.seen.drive(path) if guest.seen is not None else None
        if drive is not None:
            return drive.size
        return self._supervisor.image_size(wish.name, {**guest.spec, **wish.spec}, path)

    def plan(self, now: guest_plan.Guests, wish: Iterable[Wish]) -> Plan:
        return guest_plan.plan(now, wish)

    def prepare(self, before: guest_plan.Guests) -> None:
        """Refuse what a run would, in check mode too."""
        with _told():
            self._check(guest_plan.plan(before, self._wishes.values()), before)

    def wish_back(self, before: guest_plan.Guests, changes: Plan) -> list[Wish]:
        self._undoing = True
        return guest_plan.wish_back(before, changes, self._begun)

    def remarks(self) -> list[str]:
        """What no undo takes back, in sentences."""
        return self._growth.remarks()

    def apply(self, changes: Plan, now: guest_plan.Guests) -> None:
        with _told():
            self._apply(changes, now)

    def _apply(self, changes: Plan, now: guest_plan.Guests) -> None:
        names = sorted({guest for change in changes for guest in _guest_words(change)})
        with self._supervisor.busy(names):
            found = self._supervisor.read_all(names)
            for name in names:
                if found[name] != now.guests[name]:
                    raise Refused(
                        f"{name} was changed by another run meanwhile; run the task again."
                    )
            self._check(changes, now)
            self._starts = Starts(self._supervisor)
            waiting = [change for change in changes if _starts(change, now)]
            graces = {
                name: self._grace(name, now.guests[name].spec) for name in _which(changes, "stop")
            }
            self._stops = Stops(self._supervisor.stop, graces, _which(changes, "start"))
            for change in changes:
                if change in waiting:
                    self._make_known(waiting)
                    waiting = []
                if change.kind == guest_plan.KIND and change.action != "start":
                    self._starts.finish()  # those that began do not wait for what takes long
                getattr(self, f"_{change.action}_{change.kind}")(change)
            self._starts.finish()
        if not self._undoing:
            self._arrivals.wait(_which(changes, "start"))

    def _check(self, changes: Iterable[Change], now: guest_plan.Guests) -> None:
        """Everything that makes a start impossible, before the first change of the run."""
        made = {change.name: change.after for change in changes if _makes_image(change)}
        starts = [
            change
            for change in changes
            if change.kind == guest_plan.KIND and change.action == "start"
        ]
        self._growth.check(changes)
        adjusted = [change for change in changes if change.action == "adjust"]
        cards = {
            change.name: hotplug.plugged(change.payload[1], hotplug.PLUG_NIC) for change in adjusted
        }
        wired = any(change.after["nics"] for change in starts) or any(cards.values())
        links = self._wire().snapshot().links if wired else {}
        for change in adjusted:
            guest = now.guests[change.name]
            disks = hotplug.plugged(change.payload[1], hotplug.PLUG_DISK)
            more = {**guest.spec, "nics": cards[change.name], "disks": disks}
            self._supervisor.check(change.name, more, made, _ADJUSTING)
            uid = self._supervisor.uid_of(guest.spec)
            own = self._supervisor.taps_of(guest.pid)
            taps.check(change.name, more, links, uid, own, _ADJUSTING)
        for change in starts:
            self._supervisor.check(change.name, change.after, made)
            uid = self._supervisor.uid_of(change.after)
            own = self._supervisor.taps_of(now.guests[change.name].pid)
            taps.check(change.name, change.after, links, uid, own)

    def _create_disk(self, change: Change) -> None:
        self._begin(change.after["guest"])
        self._supervisor.create_image(change.after, change.payload)

    def _grow_disk(self, change: Change) -> None:
        self._begin(change.after["guest"])
        self._growth.carry_out(change)

    def _remove_disk(self, change: Change) -> None:
        self._supervisor.remove_image(change.name)

    def _make_known(self, starts: Iterable[Change]) -> None:
        for change in starts:
            self._begin(change.name)
        self._supervisor.make_known({change.name: _definition(change) for change in starts})

    def _start_guest(self, change: Change) -> None:
        self._begin(change.name)
        spec = _definition(change)
        if not self._undoing:
            self._arrivals.starts(change.name, spec)
        paused = change.after["status"] == "paused"
        self._starts.begin(change.name, spec, paused, hotplug.at_start(spec))

    def _adjust_guest(self, change: Change) -> None:
        self._begin(change.name)
        options, steps = change.payload
        spec = {**self._supervisor.read_all([change.name])[change.name].spec, **options}
        given = self._wishes[change.name].wait_timeout
        self._supervisor.adjust(
            change.name, spec, steps, UNPLUG_SECONDS if given is None else given
        )
        self._supervisor.define(change.name, spec)

    def _stop_guest(self, change: Change) -> None:
        for name in self._stops.beside(change.name):
            self._begin(name)
        steps = [step.as_dict() for step in self._stops.end(change.name)]
        self.stop_steps.setdefault(change.name, []).extend(steps)

    def _adopt_guest(self, change: Change) -> None:
        self._begin(change.name)
        spec = self._supervisor.read_all([change.name])[change.name].spec
        self._supervisor.adopt(change.name, self._grace(change.name, spec))

    def _resume_guest(self, change: Change) -> None:
        self._begin(change.name)
        self._supervisor.resume(change.name)

    def _pause_guest(self, change: Change) -> None:
        self._begin(change.name)
        self._supervisor.pause(change.name)

    def _update_guest(self, change: Change) -> None:
        self._begin(change.name)
        spec = change.after if change.payload is None else change.payload
        self._supervisor.define(change.name, spec, strict=not self._undoing)

    def _grace(self, name: str, spec: Mapping[str, Any]) -> float:
        """What this run says, or else what was said when it was started; none where that run started it, and it has nothing to lose yet."""
        given = self._wishes[name].shutdown_timeout
        if self._undoing:
            return 0.0
        return supervision.stop_seconds(spec) if given is None else given

    def _delete_guest(self, change: Change) -> None:
        self._begin(change.name)
        self._supervisor.remove(change.name, change.payload)

    def _create_seed(self, change: Change) -> None:
        self._begin(change.name)
        self._supervisor.create_seed(change.name, *change.payload)

    _update_seed = _create_seed

    def _remove_files(self, change: Change) -> None:
        self._supervisor.remove_kept(change.name, change.payload)

    def _begin(self, name: str) -> None:
        if name not in self._begun:
            self._begun.append(name)


@contextmanager
def _told() -> Iterator[None]:
    """A full disk, a directory or a device that went away: as good a reason to go back as any other."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename is not None else ""
        raise GuestError(
            f"The host failed while its guests were changed: {error.strerror or error}{where}; cure that, and run the task again."
        ) from error


def _guest_words(change: Change) -> Iterable[str]:
    if change.kind != guest_plan.DISK:
        return [change.name]
    return [] if change.after is None else [change.after["guest"]]


def _starts(change: Change, now: guest_plan.Guests) -> bool:
    """Whether it starts a guest that is down, and not one that is stopped for it."""
    return (change.kind, change.action) == (guest_plan.KIND, "start") and now.guests[
        change.name
    ].down


def _which(changes: Iterable[Change], action: str) -> list[str]:
    """The guests that this is done to."""
    return [one.name for one in changes if (one.kind, one.action) == (guest_plan.KIND, action)]


def _definition(change: Change) -> dict[str, Any]:
    """What a guest is started with."""
    return {key: value for key, value in change.after.items() if key != "status"}


def _makes_image(change: Change) -> bool:
    return change.kind == guest_plan.DISK and change.action == "create"
