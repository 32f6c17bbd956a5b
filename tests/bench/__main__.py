# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast, as ratios: both sides are measured in turn in the same run, and medians are compared.

``python -m ansible_collections.hypervisor.network.tests.bench [--full] [--only G1,G12] [--conversions N]``

A machine's milliseconds say nothing on another machine, so nothing here passes or fails; the table says where the code stands.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Callable, Iterable

from . import (
    conversion,
    fleet_runs,
    forwarding,
    guests,
    links,
    managed,
    reload,
    role_lists,
    second_run,
    tasks,
)
from .rows import GOALS, Row, note, table

BENCHES: dict[str, Callable[[bool], Iterable[Row]]] = {
    "G1": links.create,
    "G2": links.second_pass,
    "G3": tasks.list_of_1000,
    "G4": tasks.loops,
    "G5": tasks.no_change,
    "G6": tasks.payload,
    "G7": reload.first_run,
    "G8": second_run.again,
    "G9": guests.start,
    "G11": guests.looked_at,
    "G10": guests.learned,
    "G13": forwarding.entries,
    "filters": role_lists.planned,
}
# what is told as a table of its own
_TABLES = ("fleet", "G12", "managers")


def main() -> None:
    if os.geteuid():
        sys.exit("The benchmark makes network namespaces: run it as root, as 'make bench' does.")
    parser = argparse.ArgumentParser(
        prog="make bench",
        description="Ratios against ip -batch, task loops and the usual conversions.",
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="the long forms: G4 over 100 items, G12 with 200 conversions",
    )
    parser.add_argument("--only", default="", help="goals, separated by commas: G1,G12")
    parser.add_argument(
        "--conversions", type=int, help="conversions per method (default 10, with --full 200)"
    )
    parser.add_argument("--hosts", type=int, default=50, help="hosts of the fleet (default 50)")
    parser.add_argument(
        "--rounds",
        type=int,
        help="of the fleet only the plays that change nothing, so often; with --hosts 10 two minutes",
    )
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else [*BENCHES, *_TABLES]
    unknown = [name for name in wanted if name not in {*GOALS, *_TABLES}]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join([*BENCHES, *_TABLES])}")
    rows = []
    for name in wanted:
        if name in BENCHES:
            note(f"{name}: {GOALS[name].what}")
            rows += BENCHES[name](options.full)
    fleets = fleet_runs.measured(options.hosts, options.rounds) if "fleet" in wanted else []
    rows += [one.row() for one in fleets]
    if rows:
        print(table(rows))
    if fleets:
        print("\n" + fleet_runs.table(fleets))
    if "G6" in wanted:
        print("\n" + tasks.shipped_table())
    if "G12" in wanted:
        note("G12: conversions")
        print("\n" + conversion.table(options.conversions or (200 if options.full else 10)))
    if "managers" in wanted:
        note("managers: conversions of hosts that networkd, netplan and NetworkManager manage")
        print("\n" + managed.table(options.conversions or (20 if options.full else 3)))


if __name__ == "__main__":
    main()
