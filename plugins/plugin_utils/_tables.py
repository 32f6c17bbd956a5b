# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What bridge_info found, as the tables that administrators know (brctl show, brctl showmacs, route -n), and what bridge_isolation counted.

Each function returns lines of plain text, aligned by blanks: the output of a task shows a tab as \\t.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Iterable, Mapping, Sequence

_GAP = "  "
_MAIN = 254  # RT_TABLE_MAIN


def bridges(info: Mapping[str, Any]) -> list[str]:
    """As C(brctl show): a line for each bridge, and one for each further port."""
    rows = [("bridge name", "bridge id", "STP enabled", "interfaces")]
    for bridge in info["bridges"]:
        ports = [port["name"] for port in bridge["ports"]] or [""]
        rows.append(
            (bridge["name"], bridge["id"], "yes" if bridge["stp_state"] else "no", ports[0])
        )
        rows += [("", "", "", port) for port in ports[1:]]
    return aligned(rows)


def macs(info: Mapping[str, Any]) -> list[str]:
    """As C(brctl showmacs) of every bridge, with the port's name beside its number."""
    lines: list[str] = []
    for bridge in info["bridges"]:
        numbers = {port["name"]: port["number"] for port in bridge["ports"]}
        rows = [("port no", "mac addr", "is local?", "ageing timer", "interface")]
        for entry in sorted(bridge["fdb"], key=lambda one: (one["mac"], one["vlan"] or 0)):
            if entry["port"] in numbers:  # brctl has no line for the bridge's own addresses either
                age = 0.0 if entry["local"] or entry["static"] else entry["age"]
                rows.append(
                    (
                        str(numbers[entry["port"]]),
                        entry["mac"],
                        "yes" if entry["local"] else "no",
                        f"{age:.2f}",
                        entry["port"],
                    )
                )
        # a bridge that knows VLANs has its own addresses once per VLAN: the same line, twice or more
        lines += ["", f"{bridge['name']}:", *aligned(list(dict.fromkeys(rows)), right=(0, 3))]
    return lines[1:]


def routes(info: Mapping[str, Any]) -> list[str]:
    """As C(route -n), and as C(route -6 -n) where there are routes that the kernel did not make by itself."""
    table = [one for one in info["routes"] if one["table"] == _MAIN]
    rows = [("Destination", "Gateway", "Genmask", "Flags", "Metric", "Iface")]
    rows += [
        _row4(one) for one in sorted((one for one in table if one["family"] == "inet"), key=_order)
    ]
    rows6 = [("Destination", "Next Hop", "Flags", "Metric", "Iface")]
    rows6 += [
        _row6(one)
        for one in table
        if one["family"] == "inet6" and not one["dst"].startswith(("fe80:", "ff"))
    ]
    lines = aligned(rows)
    return [*lines, "", *aligned(rows6)] if len(rows6) > 1 else lines


def isolation(info: Mapping[str, Any]) -> list[str]:
    """The counts of bridge_isolation: a line for each sender and kind, and below it who saw how many frames of whom."""
    rows = [("sender", "VLAN", "kind", "sent", "own ports", "others", "uplinks")]
    for row in info["isolation"]:
        own = f"{row['own']} of {row['required']}" if row["required"] else str(row["own"])
        rows.append(
            (
                row["sender"],
                str(row["vlan"] or "-"),
                row["kind"],
                str(row["sent"]),
                own,
                str(row["others"]),
                str(row["uplinks"]),
            )
        )
    names = list(info["matrix"][0]["seen"]) if info["matrix"] else []
    seen = [("seen by", *names)] + [
        (f"from {row['sender']}", *(str(row["seen"][name]) for name in names))
        for row in info["matrix"]
    ]
    return [
        *aligned(rows, right=(1, 3, 4, 5, 6)),
        "",
        *aligned(seen, right=range(1, len(names) + 1)),
    ]


def aligned(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    """Rows of cells as lines, each column as wide as its widest cell; those in C(right) are flush right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths))
        ]
        lines.append(_GAP.join(cells).rstrip())
    return lines


def _row4(route: Mapping[str, Any]) -> tuple[str, ...]:
    network = _network(route, "0.0.0.0/0")
    if route["type"] != "unicast":  # route -n's way to write unreachable, blackhole and prohibit
        return (
            str(network.network_address),
            "-",
            str(network.netmask),
            "!",
            str(route["metric"] or 0),
            "-",
        )
    gateway = route["gateway"] or "0.0.0.0"
    return (
        str(network.network_address),
        gateway,
        str(network.netmask),
        route["flags"],
        str(route["metric"] or 0),
        route["dev"] or "-",
    )


def _row6(route: Mapping[str, Any]) -> tuple[str, ...]:
    flags = route["flags"] if route["type"] == "unicast" else "!"
    return (
        str(_network(route, "::/0")),
        route["gateway"] or "::",
        flags,
        str(route["metric"] or 0),
        route["dev"] or "-",
    )


def _network(route: Mapping[str, Any], default: str) -> Any:
    return ipaddress.ip_network(default if route["dst"] == "default" else route["dst"])


def _order(route: Mapping[str, Any]) -> tuple[Any, ...]:
    return (_network(route, "0.0.0.0/0"), route["metric"] or 0)
