# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group B: the kernel refuses in the middle, or the host is not like the others."""

from __future__ import annotations

import errno
import threading

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import KernelError
from ansible_collections.hypervisor.network.tests.harness.guard.steps import Steps, disturbed
from ansible_collections.hypervisor.network.tests.harness.guard.wanted import comparable, moved
from ansible_collections.hypervisor.network.tests.harness.net.dump import differences, dump, settled
from ansible_collections.hypervisor.network.tests.harness.net.lan import (
    ADDRESS6,
    ADDRESSES4,
    HOST4,
    HOST6,
    lan,
    set_sysctls,
    stalled,
)
from ansible_collections.hypervisor.network.tests.harness.net.netns import (
    batch,
    inside,
    ip_json,
    run,
)

UNDONE = "undone"
# Read by Python when it starts: what is sent over netlink is written down, and each time that something is taken
SPY = """
import os, socket, struct

class Spied(socket.socket):
    def _note(self, *words):
        if self.family == socket.AF_NETLINK:
            with open(os.environ["SPIED"], "a") as stream:
                print(id(self), *words, file=stream)

    def _sent(self, data):
        data, kinds = bytes(data), []
        while len(data) >= 16:
            length, kind = struct.unpack_from("=IH", data)
            kinds.append(kind)
            data = data[(length + 3) & ~3 :]
        self._note(*kinds)

    def send(self, data, *more):
        self._sent(data)
        return super().send(data, *more)

    def sendto(self, data, *more):
        self._sent(data)
        return super().sendto(data, *more)

    def sendmsg(self, buffers, *more):
        self._sent(b"".join(buffers))
        return super().sendmsg(buffers, *more)

def noting(take):
    def noted(self, *how):
        self._note("taken")
        return take(self, *how)
    return noted

for name in ("recv", "recv_into", "recvfrom", "recvmsg"):
    setattr(Spied, name, noting(getattr(socket.socket, name)))
socket.socket = Spied
"""


def test_b01_a_nic_with_a_macvlan_is_refused_by_name_and_loses_nothing(refused):
    with lan() as made:
        batch(made.host, "link add link eth0 name guest0 type macvlan mode bridge\n")
        counted = made.under_load(lambda: refused(made.host, "eth0", "guest0"))
    assert counted["udp4"]["lost"] == counted["udp6"]["lost"] == counted["tcp"]["died"] == 0, (
        counted
    )


def test_b02_a_refusal_of_any_message_is_undone_and_named():
    numbers = (errno.EPERM, errno.ENOBUFS, errno.EINTR, errno.EBUSY)
    with lan() as made:
        before = settled(made.host)

        def every_message() -> None:
            number, sent = 0, 1
            while number < sent:
                code = numbers[number % len(numbers)]
                answer = disturbed(
                    made.host,
                    "eth0",
                    "br0",
                    number,
                    lambda what, code=code: KernelError(what, code),
                )
                assert (
                    answer["type"] == "KernelError" and errno.errorcode[code] in answer["error"]
                ), (number, answer)
                assert number == 0 or UNDONE in answer["error"], (number, answer)
                assert differences(before, settled(made.host)) == [], (number, answer)
                assert all(made.all_reachable().values()), (number, answer)
                number, sent = number + 1, messages
            assert number >= 10

        messages = _messages_of_a_conversion()
        counted = made.under_load(every_message)
    assert counted["tcp"]["died"] == 0 and stalled(counted) <= 250, counted


def _messages_of_a_conversion() -> int:
    with lan(echo=False) as made:
        answer = disturbed(made.host, "eth0", "br0", -1, RuntimeError)
    assert answer["error"] is None, answer
    return answer["sent"]


def test_b03_no_change_is_sent_before_the_one_before_it_is_acknowledged(
    run_module, target_python, starting_with, tmp_path
):
    """The kernel carries out what comes after a message that it refused: rtnetlink knows no transactions."""
    spied = tmp_path / "spied"
    with lan() as made:
        env = {**starting_with(SPY), "SPIED": str(spied)}
        result = run_module(
            "bridge_uplink",
            {"name": "eth0", "bridge": "br0", "guard_timeout": 0},
            made.host,
            python=target_python,
            env=env,
        )
        assert result["changed"], result
    changes = 0
    waiting = set()
    for line in spied.read_text(encoding="ascii").splitlines():
        who, *what = line.split()
        if what == ["taken"]:
            waiting.discard(who)
            continue
        # of each four the first makes and the second deletes: linux/rtnetlink.h
        changing = [kind for kind in map(int, what) if kind % 4 in (0, 1)]
        assert not changing or (len(what) == 1 and not waiting), line
        waiting |= {who} if changing else set()
        changes += len(changing)
    assert (
        changes
        >= len(
            [
                one
                for one in result["changes"]
                if one["kind"] in ("bridge", "port", "address", "route")
            ]
        )
        > 10
    )


@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.95])
def test_b02_ctrl_c_in_the_middle_is_undone(fraction):
    number = int(_messages_of_a_conversion() * fraction)
    with lan() as made:
        before = settled(made.host)
        answer = disturbed(made.host, "eth0", "br0", number, lambda what: KeyboardInterrupt())
        assert answer["type"] == "KeyboardInterrupt"
        assert differences(before, settled(made.host)) == []
        assert all(made.all_reachable().values())


def test_b05_strict_reverse_path_and_death_right_after_the_nic_became_a_port():
    with lan(rp_filter=1) as made:
        assert all(made.all_reachable().values())  # a host in use: it knows its gateway
        with Steps(made.host, "eth0", "br0") as steps:
            assert any(change == "attach port eth0" for change in steps)
        for _probe in range(4):
            assert all(made.all_reachable().values())


def test_b06_a_route_that_the_kernel_no_longer_takes_undoes_everything(uplink):
    # It stands on a connected route that is gone: the kernel keeps it, and takes it from nobody any more.
    orphan = "route add 10.66.0.0/24 dev eth0\nroute add 10.55.0.0/16 via 10.66.0.1\nroute delete 10.66.0.0/24 dev eth0\n"
    with lan(host=HOST4 + HOST6 + orphan) as made:
        before = settled(made.host)
        result = uplink(made.host)
        assert result["failed"] and "10.55.0.0/16" in result["msg"] and UNDONE in result["msg"], (
            result
        )
        assert differences(before, settled(made.host)) == []
        assert all(made.all_reachable().values())


def test_b09_5000_routes_and_a_storm_of_link_events_lose_no_route(uplink):
    routes = "".join(
        f"route add 10.{128 + number // 250}.{number % 250}.0/24 via 10.77.0.1\n"
        for number in range(5000)
    )
    with lan(host=HOST4 + HOST6 + routes, echo=False) as made:
        before = settled(made.host)
        quiet = threading.Event()

        def storm() -> None:
            while not quiet.is_set():
                batch(made.host, 20 * "link add noise type bridge\nlink delete noise\n")

        noise = threading.Thread(target=storm)
        noise.start()
        try:
            result = uplink(made.host)
        finally:
            quiet.set()
            noise.join()
        assert not result["failed"], result
        assert differences(moved(before), comparable(settled(made.host)))[:5] == []


@pytest.mark.parametrize("promote", [0, 1])
def test_b10_twenty_secondary_addresses_move_whatever_promote_secondaries_says(uplink, promote):
    many = [f"10.77.0.{number}" for number in range(20, 40)]
    with lan(
        host=HOST4 + HOST6 + "".join(f"address add {address}/24 dev eth0\n" for address in many)
    ) as made:
        inside(
            made.host,
            set_sysctls,
            {
                f"ipv4/conf/{name}/promote_secondaries": promote
                for name in ("all", "default", "eth0")
            },
        )
        before = settled(made.host)
        result = uplink(made.host)
        assert not result["failed"], result
        assert all(made.all_reachable(*many, *ADDRESSES4, ADDRESS6).values())
        assert differences(moved(before), comparable(settled(made.host))) == []
        assert uplink(made.host)["changed"] is False


def test_b12_a_host_without_ipv6_is_converted(uplink):
    with lan(host=HOST4, ipv6=False) as made:
        before = dump(made.host)
        result = uplink(made.host)
        assert not result["failed"], result
        assert all(made.all_reachable(*ADDRESSES4).values())
        assert differences(moved(before), comparable(dump(made.host))) == []
        assert uplink(made.host)["changed"] is False


def test_b12_a_host_with_ipv6_only_is_converted(uplink):
    with lan(host=HOST6) as made:
        before = settled(made.host)
        counted = made.under_load(lambda: _succeeds(uplink(made.host)), ADDRESS6)
        assert differences(moved(before), comparable(settled(made.host))) == []
        assert uplink(made.host)["changed"] is False
    assert counted["udp6"]["lost"] <= 5 and counted["tcp"]["died"] == 0, counted


def test_b12_a_default_route_through_a_link_local_gateway_moves(uplink):
    host = HOST4 + "address add fd77::10/64 dev eth0 nodad\n"
    with lan(host=host) as made:
        batch(made.router, "address add fe80::1/64 dev lan nodad\n")
        batch(made.host, "route add default via fe80::1 dev eth0\n")
        before = settled(made.host)
        counted = made.under_load(lambda: _succeeds(uplink(made.host)))
        assert differences(moved(before), comparable(settled(made.host))) == []
        (default,) = ip_json(made.host, "-6", "route", "show", "default")
        assert (default["gateway"], default["dev"]) == ("fe80::1", "br0")
    assert counted["udp6"]["lost"] <= 5 and counted["tcp"]["died"] == 0, counted


def test_d09_others_may_read_the_network_in_the_middle(run_module):
    with lan(echo=False) as made, Steps(made.host, "eth0", "br0") as steps:
        for number, change in enumerate(steps):
            run("ip", "-n", made.host, "-j", "-d", "address")
            if number % 6 == 0:
                result = run_module("bridge_info", {}, made.host)
                assert not result["failed"], (change, result)


def _succeeds(result):
    assert not result["failed"], result
