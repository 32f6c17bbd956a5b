# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the command lines of DHCP clients are read: whatever they hold, nothing but known options with fit values goes over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hypervisor.network.plugins.module_utils._dhcp import options
from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.options import (
    DHCLIENT,
    DHCPCD,
    UDHCPC,
    Grammar,
    parse,
)

GRAMMARS = {"dhclient": DHCLIENT, "udhcpc": UDHCPC, "dhcpcd": DHCPCD}


def ours(path: str) -> bool:
    return path.startswith("/run/")


def words_of(*argv: str, grammar: Grammar = UDHCPC) -> tuple[str, ...]:
    return parse(argv, grammar, ours).words(grammar.attached)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("-nqi", "br0"), ("-n", "-q", "-i", "br0")),
        (("-nibr0",), ("-n", "-i", "br0")),
        (("--retries=5", "--now"), ("-t", "5", "-n")),
        (("--retries", "5"), ("-t", "5")),
        (("--ret", "5"), ("-t", "5")),
        (("--re", "5"), ()),  # release, request, retries and request-option begin so
        (("--", "-n"), ("-n",)),
        (("-a",), ("-a",)),
        (("-a500", "-a"), ("-a500", "-a")),
        (("--arping", "500"), ("-a",)),
        (("-O", "dns", "-O", "ntpsrv"), ("-O", "dns", "-O", "ntpsrv")),
        (("-x", "0x3d:0100BEEFC0FFEE"), ("-x", "0x3d:0100BEEFC0FFEE")),
        (("-x", "14:'\"dumpfile\"'"), ()),
        (("-p", "/run/udhcpc.pid"), ("-p", "/run/udhcpc.pid")),
        (("-p", "/srv/bob/pid"), ()),
        (("-t", "many"), ()),
        (("-t",), ()),
        (("-i",), ()),
        (("",), ()),
        (("-",), ()),
    ],
)  # fmt: skip
def test_letters_and_long_names(argv: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert words_of(*argv) == words


def test_the_value_that_counts_is_the_last() -> None:
    parsed = parse(("-i", "eth0", "-i", "eth1"), UDHCPC, ours)
    assert parsed.value("-i") == "eth1" and parsed.value("-p") is None


@pytest.mark.parametrize("name", GRAMMARS)
@given(
    argv=st.lists(
        st.one_of(
            st.text(max_size=12),
            st.sampled_from(
                [
                    *sorted({*DHCLIENT.flags, *DHCLIENT.values, *UDHCPC.values, *DHCPCD.values}),
                    *("eth0", "/run/x", "/tmp/evil", "--script", "--script=/tmp/evil"),
                    *("-s/tmp/evil", "-c/tmp/evil", "-ns", "-f"),
                ]
            ),
        ),
        max_size=8,
    )
)
def test_what_goes_over_is_known_and_read_again_as_itself(name: str, argv: list[str]) -> None:
    grammar = GRAMMARS[name]
    parsed = parse(argv, grammar, ours)
    for option, value in parsed.options:
        assert option in grammar.flags if value is None else option in grammar.values
        assert "evil" not in (value or "")
    assert all(options.parse((one,), grammar, ours).devices == (one,) for one in parsed.devices)
    words = (*parsed.words(grammar.attached), *parsed.devices)
    again = parse(words, grammar, ours)
    assert (again.options, again.devices, again.left) == (parsed.options, parsed.devices, ())
