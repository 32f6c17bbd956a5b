# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Group H: the TPM of a guest that is a unit is a unit and a user of its own; what each of the two does when the other ends."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.tests.harness.lab.powered import PoweredLab
from ansible_collections.hypervisor.network.tests.harness.lab.unit_host import (
    COMMON,
    TPM,
    TPM_USER,
    UNIT,
    USER,
    UnitHost,
)

WISH = {
    **COMMON,
    "name": "vm1",
    "emulator": "qemu-system-x86_64",
    "machine": "q35",
    "state": "paused",
    "nics": [],
    "shutdown_timeout": 0,
    "tpm": True,
}
FOLDER = "/var/lib/hypervisor-network/guests/vm1/tpm"
STATE = f"{FOLDER}/tpm2-00.permall"
SOCKET = "/run/hypervisor-network/.vm1.tpm"
AS_GUEST = f"setpriv --reuid={USER} --regid={USER} --clear-groups"
# The guest's unit as an earlier version of this collection wrote it: swtpm begins in it, as the guest's user, in a folder of that user
FORMER = r"""
import hashlib, json, re, sys
unit, folder, socket = sys.argv[1:]
own = "/run/hypervisor-network/vm1/tpm.sock"
text = re.sub(".*hypervisor-network-tpm@.*\n", "", open(unit).read()).replace(socket, own)
tpm = f"swtpm socket --tpm2 --tpmstate dir={folder} --seccomp action=kill --terminate --ctrl type=unixio,path={own},mode=0600 --daemon"
begin = f'ExecStart=/bin/sh -c "{tpm} && exec \\"$$0\\" \\"$$@\\"" '
text = text.replace("ExecStart=", begin) + f"ReadWritePaths={folder}\n"
open(unit, "w").write(text)
for path, key in (("definitions/vm1.json", "unit"), ("units/digests.json", None)):
    path = f"/var/lib/hypervisor-network/{path}"
    record = {one: value for one, value in json.load(open(path)).items() if "tpm" not in one}
    if key is not None:
        record[key] = hashlib.sha256(text.encode()).hexdigest()
    json.dump(record, open(path, "w"))
"""


@pytest.fixture(scope="module")
def host(lab: PoweredLab) -> UnitHost:
    made = UnitHost(lab.fresh())
    assert made.wish(**WISH)["guest"]["supervisor"] == "systemd"
    return made


def ended(host: UnitHost, pid: int) -> None:
    host.lab.until(f"test ! -e /proc/{pid}", 20)


def nothing_left(host: UnitHost) -> None:
    host.lab.until(f"! systemctl is-active --quiet {TPM.format('vm1')} && test ! -e {SOCKET}", 20)
    assert host.sh("pgrep -x swtpm || true") == ""


def test_h12_it_is_another_user_without_rights_and_only_the_socket_is_the_guest_s(
    host: UnitHost,
) -> None:
    (pid,) = host.tpms("vm1")
    status = host.sh(f"cat /proc/{pid}/status")
    uid, gid = host.sh(f"id -u {TPM_USER}; id -g {TPM_USER}").split()
    assert uid not in host.sh(f"grep ^Uid: /proc/{host.pid('vm1')}/status").split()
    for line in (
        f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n",
        f"Gid:\t{gid}\t{gid}\t{gid}\t{gid}\n",
        f"CapEff:\t{'0' * 16}\n",
        f"CapBnd:\t{'0' * 16}\n",
        "NoNewPrivs:\t1\n",
        "Seccomp:\t2\n",
    ):
        assert line in status
    assert host.sh(f"stat -c '%a %U' {SOCKET} {FOLDER}").splitlines() == [f"600 {USER}", f"700 {TPM_USER}"]  # fmt: skip
    for forbidden in (f"cat {STATE}", f"touch {FOLDER}/new", f"kill -CONT {pid}"):
        assert "ermitted" in (said := host.sh(f"{AS_GUEST} {forbidden} 2>&1 || true")) or "denied" in said  # fmt: skip
    # it sees no other guest's files either, nor a network
    assert host.sh(f"ls /proc/{pid}/root/var/lib/hypervisor-network/guests").split() == ["vm1"]
    assert host.sh(f"readlink /proc/{pid}/ns/net") != host.sh("readlink /proc/1/ns/net")
    assert not host.wish(**WISH)["changed"] and host.info("vm1")["problems"] == []


def test_h12_it_ends_with_its_guest_however_that_ends(host: UnitHost) -> None:
    for signal in ("TERM", "KILL"):
        (pid,) = host.tpms("vm1")
        host.sh(f"kill -{signal} {host.pid('vm1')}")
        ended(host, pid)
        nothing_left(host)
        assert host.wish(**WISH)["changed"] and host.info("vm1")["problems"] == []
    host.wish(name="vm1", state="stopped", shutdown_timeout=0)
    nothing_left(host)
    host.wish(**WISH)


def test_h12_a_restart_by_systemd_gives_it_a_new_one(host: UnitHost) -> None:
    pid, before = host.tpms("vm1"), host.pid("vm1")
    host.sh(f"systemctl restart {UNIT.format('vm1')}")
    assert host.pid("vm1") != before and host.tpms("vm1") not in ([], pid)
    assert host.info("vm1")["problems"] == []


def test_trap_6_it_is_killed_and_that_is_told_until_a_restart(host: UnitHost) -> None:
    (pid,) = host.tpms("vm1")
    before = host.pid("vm1")
    host.sh(f"kill -9 {pid}")
    host.lab.until(f"systemctl is-failed --quiet {TPM.format('vm1')}", 20)
    assert host.pid("vm1") == before and host.show("vm1", "ActiveState") == "active"
    (problem,) = host.info("vm1")["problems"]
    assert "its TPM is gone" in problem
    result = host.wish(**WISH, on_change="restart")
    assert result["changed"] and result["guest"]["problems"] == []
    assert host.sh("systemctl --failed --no-legend") == ""


def test_a_guest_that_does_not_come_up_leaves_none_behind(host: UnitHost) -> None:
    host.wish(name="vm1", state="stopped", shutdown_timeout=0)
    failed = host.lab.run("qemu_guest", **WISH, extra_args=["-device", "usb-tablet"])
    assert failed["failed"] and "died right after its start" in failed["msg"], failed
    nothing_left(host)
    host.wish(**WISH, extra_args=[])


def test_what_an_earlier_version_started_runs_on_and_is_taken_over_at_its_next_start(
    host: UnitHost,
) -> None:
    host.wish(name="vm1", state="stopped", shutdown_timeout=0)
    drop_in = f"/etc/systemd/system/{UNIT.format('vm1')}.d/guest.conf"
    host.sh(f"python3 - {drop_in} {FOLDER} {SOCKET} <<'END'\n{FORMER}END\nrm -r /etc/systemd/system/hypervisor-network-tpm@*")  # fmt: skip
    host.sh(f"chown -R {USER}: {FOLDER} && chmod 710 {FOLDER}/.. && cp {STATE} /root/before")
    host.sh(f"systemctl daemon-reload && systemctl start {UNIT.format('vm1')}")
    pid = host.pid("vm1")
    assert host.sh("ps -o user:32= -C swtpm").split() == [USER] and host.tpms("vm1") == []
    # its unit is written anew, for the next boot; nothing happens to what runs
    assert [one["action"] for one in host.wish(name="vm1", start_order=2)["changes"]] == ["update"]
    assert host.pid("vm1") == pid and host.sh("ps -o user:32= -C swtpm").split() == [USER]
    found = host.info("vm1")
    assert found["problems"] == [] and ["Its TPM" in why for why in found["pending_restart"]] == [True]  # fmt: skip
    assert not host.wish(name="vm1", start_order=2)["changed"]
    # as at a boot, with no play
    host.sh(f"systemctl stop {UNIT.format('vm1')} && systemctl start {UNIT.format('vm1')}")
    host.lab.until(f"grep -q swtpm /proc/$(systemctl show --value -p MainPID {TPM.format('vm1')})/comm")  # fmt: skip
    assert host.sh("ps -o user:32= -C swtpm").split() == [TPM_USER]
    # the seeds of another TPM are others, in more than 400 of its bytes; a start of its own firmware changes some
    assert int(host.sh(f"cmp -l {STATE} /root/before | wc -l")) < 150
    found = host.info("vm1")
    assert (found["problems"], found["pending_restart"]) == ([], [])


def test_absent_leaves_nothing_of_it(host: UnitHost) -> None:
    host.wish(name="vm1", state="absent", shutdown_timeout=0)
    nothing_left(host)
    assert host.sh("find /etc/systemd/system /run /var/lib/hypervisor-network -name '*vm1*' -not -path '/run/udev/*'") == ""  # fmt: skip
    assert host.sh("systemctl list-units --all --no-legend 'hypervisor-network-*@vm1*'") == ""
