# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a DHCP client's file says of its NIC alone, and what of it the bridge would not tell."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._dhcp.configured import lost

DHCLIENT, DHCPCD = "etc/dhcp/dhclient.conf", "etc/dhcpcd.conf"
OF_ETH0 = 'interface "eth0" {\n  send dhcp-client-identifier 1:2:3;\n  request subnet-mask;\n}\n'
SENT = "send dhcp-client-identifier 1:2:3"


@pytest.mark.parametrize(
    ("program", "path", "text", "expected"),
    [
        ("dhclient", DHCLIENT, OF_ETH0, SENT),
        ("dhclient", "etc/dhcp/dhclient6.conf", OF_ETH0, SENT),
        ("dhclient", DHCLIENT, "send host-name = gethostname();\n" + OF_ETH0, SENT),
        # the bridge tells it too, or all devices do
        ("dhclient", DHCLIENT, OF_ETH0 + OF_ETH0.replace("eth0", "br0"), None),
        ("dhclient", DHCLIENT, f"{SENT};\n", None),
        # another device's, another client's, or nobody's
        ("dhclient", DHCLIENT, OF_ETH0.replace("eth0", "eth1"), None),
        ("dhcpcd", DHCLIENT, OF_ETH0, None),
        ("udhcpc", DHCLIENT, OF_ETH0, None),
        ("dhclient", DHCLIENT, "".join(f"#{line}\n" for line in OF_ETH0.splitlines()), None),
        # what a server says is no word of the client's
        ("dhclient", DHCLIENT, 'interface "eth0" {\n  supersede domain-name "a";\n}\n', None),
        ("dhclient", DHCLIENT, f'lease {{ interface "eth0"; }}\n{SENT};\n', None),
        ("dhclient", DHCLIENT, 'interface "eth0" { send host-name "a;}#"; }', 'send host-name "a;}#"'),
        ("dhclient", DHCLIENT, 'send host-name "interface \\"eth0\\" {";\n' + f"{SENT};\n", None),
        # what nobody closes is read as far as it goes
        ("dhclient", DHCLIENT, f'}}}} interface "eth0" {{ {SENT}; "', SENT),
        ("dhcpcd", DHCPCD, "interface eth0\n  clientid a:b # ours\n", "clientid a:b"),
        ("dhcpcd", DHCPCD, "interface eth0\nmetric 7\niaid 5\n", "iaid 5"),
        ("dhcpcd", DHCPCD, "interface eth0\niaid 5\ninterface br0\niaid 5\n", None),
        ("dhcpcd", DHCPCD, "interface eth0\niaid 5\ninterface br0\niaid 6\n", "iaid 5"),
        ("dhcpcd", DHCPCD, "duid\ninterface eth0\nmetric 7\n\ninterface eth1\niaid 5\n", None),
        ("dhclient", DHCPCD, "interface eth0\niaid 5\n", None),
        ("dhcpcd", DHCPCD, "", None),
    ],
)  # fmt: skip
def test_what_the_bridge_would_not_tell(
    program: str, path: str, text: str, expected: str | None
) -> None:
    found = lost(program, {path: text, "etc/connman/main.conf": OF_ETH0}, "eth0", "br0")
    assert found == (None if expected is None else (f"/{path}", expected))
