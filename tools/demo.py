# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: build the lab, make its machines bridge hosts over SSH, run it again to see that nothing changes, show the result.

It runs what would be published: the collection is built, installed beside the cache, and only that is on Ansible's path.
Run it through C(make demo), C(make lab-up) and C(make lab-down), which bring what it needs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterable, NamedTuple

from ansible_collections.hypervisor.network.tests.harness.lab.leftovers import LABS, sweep_labs

REPO = Path(__file__).resolve().parent.parent
NAME = "hypervisor.network"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_PATIENCE = 240.0  # guests within machines without KVM
_TENANTS = {"blue": (10, "vm1", "tap1"), "red": (20, "vm2", "tap2")}
_RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s")


class DemoError(Exception):
    """One sentence: what went wrong, and where to look."""


class Steps:
    """Headings with the time since the start, so that a long step is seen to be one."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._start

    def begin(self, text: str) -> None:
        print(f"\n=== [{self.elapsed:4.0f} s] {text}", flush=True)


class Played(NamedTuple):
    """A playbook that was run: how many tasks changed something, by host, and all that was said."""

    changed: dict[str, int]
    said: str


class Collection(NamedTuple):
    """The collection where it is installed: C(path) is the folder that Ansible searches for collections."""

    path: Path

    @property
    def folder(self) -> Path:
        return self.path / "ansible_collections" / NAME.replace(".", "/")

    def play(self, name: str, *arguments: str, quiet: bool = False) -> Played:
        """Run one of its playbooks on the lab, and show what it says. Raises DemoError where it fails.

        C(quiet) shows only the tasks that changed something.
        """
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(self.path),
            "PYTHONPATH": str(self.path),
            "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
            "ANSIBLE_NOCOWS": "true",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        }
        if quiet:
            environment["ANSIBLE_DISPLAY_OK_HOSTS"] = "false"
        if sys.stdout.isatty():
            environment["ANSIBLE_FORCE_COLOR"] = "true"
        changed: dict[str, int] = {}
        said = []
        inventory = self.folder / "playbooks" / "lab_inventory"
        more = ["-i", str(_more_hosts())] if _more_hosts().exists() else []
        command = ["ansible-playbook", "-i", str(inventory), *more, f"{NAME}.{name}", *arguments]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment, cwd=self.path
        ) as process:
            for line in process.stdout or ():
                print(line, end="", flush=True)
                said.append(line)
                recap = _RECAP.match(_ANSI.sub("", line))
                if recap:
                    changed[recap.group(1)] = int(recap.group(2))
        if process.returncode != 0:
            raise DemoError(
                f"{name} failed; what it said stands above. 'make lab-down' removes the lab."
            )
        return Played(changed, "".join(said))


def checkout() -> Collection:
    """The checkout itself, as C(tools/env) has put it on Ansible's path."""
    return Collection(Path(os.environ["HYPERVISOR_NETWORK_TREE"]))


def published(steps: Steps) -> Collection:
    """What a user installs: the tarball, built from the checkout and installed into an empty folder."""
    steps.begin("The collection as it is published: built, and installed where nothing else is")
    place = Path(os.environ["HYPERVISOR_NETWORK_CACHE"]) / "published"
    shutil.rmtree(place, ignore_errors=True)
    galaxy = ("ansible-galaxy", "collection")
    build = [*galaxy, "build", "--output-path", str(place), str(REPO)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (tarball,) = place.glob("*.tar.gz")
    subprocess.run(
        [*galaxy, "install", "--offline", "--collections-path", str(place), str(tarball)],
        # the checkout is on both paths, and would pass for an installed one
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(place), "PYTHONPATH": ""},
        check=True,
        capture_output=True,
        text=True,
    )
    print(tarball.name)
    return Collection(place)


def _more_hosts() -> Path:
    """The hypervisors beside the first, as an inventory; there is none where there are none."""
    return Path(os.environ["HYPERVISOR_NETWORK_CACHE"]) / "demo_hosts.json"


def write_hosts(hosts: int) -> None:
    """Say how many hypervisors there are. Where there are more than one, their guests are of two tenants, each tenant's on all of them."""
    if hosts == 1:
        _more_hosts().unlink(missing_ok=True)
        return
    machines = {
        f"hv{number}": {
            "lab_machine": {"name": f"hv{number}", "address": f"10.77.0.{10 + number}", "nic": "{{ lab_nic }}"}
        }
        for number in range(2, hosts + 1)
    }  # fmt: skip
    tenants = [
        {"name": name, "vlan": vlan, "guests": [guest]}
        for name, (vlan, guest, _tap) in _TENANTS.items()
    ]
    group = {"hosts": machines, "vars": {"bridge_host_tenants": tenants}}
    _more_hosts().write_text(json.dumps({"hypervisors": group}), encoding="utf-8")


def lab_up(collection: Collection, distro: str, network: str, steps: Steps) -> None:
    # The builder itself, not only through the role: its lines of progress are seen while it works.
    steps.begin(f"The lab: a LAN and its machines ({distro}, {network})")
    builder = collection.folder / "roles" / "lab" / "files" / "lab_image.py"
    subprocess.run(
        [sys.executable, str(builder), "--distro", distro, "--network", network],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    collection.play("lab", "-e", f"lab_distro={distro}", "-e", f"lab_network={network}", quiet=True)


def lab_directory() -> Path:
    return LABS / "hvlab"


def _ssh(host: str, *command: str) -> list[str]:
    return ["ssh", "-F", str(lab_directory() / "ssh_config"), host, *command]


def ssh(*command: str) -> str:
    """Run a command on the lab's first machine, over the connection that the playbooks use."""
    return subprocess.run(
        _ssh("hv1", *command),
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def demo(distro: str, hosts: int) -> None:
    steps = Steps()
    collection = published(steps)
    lab_up(collection, distro, "ifupdown", steps)
    before = ssh("printenv", "SSH_CONNECTION")
    steps.begin("site.yml over SSH, through the NIC that becomes a port of the bridge")
    first = collection.play("site", quiet=True).changed
    steps.begin("site.yml again: nothing is to change, and the tables of what is there now")
    second = collection.play("site").changed
    again = {host: count for host, count in second.items() if count}
    if again:
        raise DemoError(
            f"The second run changed {again}, and nothing was to change: see the tasks marked 'changed' above."
        )
    after = ssh("printenv", "SSH_CONNECTION")
    if after != before:
        raise DemoError(f"The SSH session did not live through it: {before} is now {after}.")
    steps.begin("vm2 loses its network on purpose: why, asks the doctor")
    ask_the_doctor(collection)
    if hosts > 1:
        steps.begin("Every guest boots again: whose frames come out at whose tap")
        print("\n".join(who_hears_whom(hosts)))
    steps.begin("The picture of what is there")
    collection.play("topology", "-e", f"topology_folder={lab_directory()}", quiet=True)
    steps.begin("What the LAN saw")
    print("\n".join(leases()))
    client, client_port, server, server_port = after.split()
    print(
        f"\nOne SSH session through all of it: {client} port {client_port} to {server} port {server_port}."
    )
    print(
        f"Changed by the first run: {sum(first.values())} tasks; by the second: 0. Done in {steps.elapsed:.0f} s."
    )
    print(f"\nThe picture:   {lab_directory() / 'topology.html'}, for any browser")
    say_where()


def ask_the_doctor(collection: Collection) -> None:
    """Take a guest off the network, and have the doctor find it. The tap is up again afterwards. Raises DemoError where it does not."""
    ssh("ip", "link", "set", "tap2", "down")
    try:
        told = collection.play("doctor", "-e", "doctor_guest=vm2", "--limit", "hv1").said
    finally:
        ssh("ip", "link", "set", "tap2", "up")
    if "tap2 is down" not in told:
        raise DemoError("The doctor did not say that tap2 is down; its answer stands above.")


class Ears:
    """A hypervisor whose taps are watched (see demo_frames.py)."""

    def __init__(self, host: str) -> None:
        self.host, self.heard = host, {tap: [] for _vlan, _guest, tap in _TENANTS.values()}
        script = (REPO / "tools" / "demo_frames.py").read_text(encoding="utf-8")
        words = [f"{guest}={tap}" for _vlan, guest, tap in _TENANTS.values()]
        self._process = subprocess.Popen(
            _ssh(host, "python3", "-c", shlex.quote(script), *words),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,  # what waits in a buffer here, select does not see
        )  # fmt: skip
        self.stdin, self.stdout = self._process.stdin, self._process.stdout
        if self.stdout.readline() != b"ready\n":
            raise DemoError(f"The taps of {host} can't be watched; its message stands above.")

    def reset(self) -> None:
        self.stdin.write(b"reset\n")

    def listen(self) -> None:
        """Take in one line. Raises DemoError where there is none any more."""
        line = self.stdout.readline()
        if not line:
            raise DemoError(f"{self.host} stopped listening; its message stands above.")
        self.heard = json.loads(line)

    def close(self) -> None:
        self.stdin.close()
        self._process.wait()
        self.stdout.close()


def who_hears_whom(hosts: int) -> Iterable[str]:
    """A table of guests by guests, of what they sent themselves. Raises DemoError unless each hears all of its tenant on other hypervisors, and nobody else."""
    guests = {
        (f"hv{number}", tenant): f"52:00:00:00:{number - 1:02x}:{one:02x}"
        for number in range(1, hosts + 1)
        for one, tenant in enumerate(_TENANTS, 1)
    }
    ears = [Ears(f"hv{number}") for number in range(1, hosts + 1)]
    speaking = {one.stdout: one for one in ears}

    def heard() -> dict[tuple[str, str], set[tuple[str, str]]]:
        taps = {(one.host, name): one.heard[tap] for one in ears for name, (_v, _g, tap) in _TENANTS.items()}  # fmt: skip
        return {at: {who for who, mac in guests.items() if mac in taps[at]} for at in guests}

    wanted = {at: {who for who in guests if who != at and who[1] == at[1]} for at in guests}
    try:
        for one in ears:
            one.reset()
        end = time.monotonic() + _PATIENCE
        while any(wanted[at] - heard()[at] for at in guests) and time.monotonic() < end:
            for stream in select.select(list(speaking), [], [], 1.0)[0]:
                speaking[stream].listen()
    finally:
        for one in ears:
            one.close()
    seen = heard()
    if seen != wanted:
        said = [
            f"{at[0]} {at[1]} {verb} {who[0]} {who[1]}"
            for at in guests
            for verb, whom in (
                ("never heard", wanted[at] - seen[at]),
                ("heard", seen[at] - wanted[at]),
            )
            for who in sorted(whom)
        ]
        raise DemoError(f"The tenants are not as they should be: {'; '.join(said)}.")
    names = {at: f"{at[0]}/{_TENANTS[at[1]][1]} ({at[1]})" for at in guests}
    width = max(map(len, names.values())) + 2
    yield "".join([f"{'heard at':<{width}}", *(f"{'of ' + name:<{width + 3}}" for name in names.values())]).rstrip()  # fmt: skip
    for at in guests:
        cells = ("itself" if who == at else "yes" if who in seen[at] else "never" for who in guests)
        yield "".join([f"{names[at]:<{width}}", *(f"{cell:<{width + 3}}" for cell in cells)]).rstrip()  # fmt: skip


def say_where() -> None:
    print(
        f"Look around:   sudo ssh -F {lab_directory() / 'ssh_config'} hv1\nRemove it all: make lab-down"
    )


def leases() -> Iterable[str]:
    """What the LAN's DHCP server leased, as a table."""
    rows: list[tuple[str, ...]] = [("MAC", "address", "name")]
    for line in sorted(
        (lab_directory() / "leases").read_text(encoding="utf-8").splitlines(),
        key=lambda row: row.split()[1],
    ):
        _expiry, mac, address, name = line.split()[:4]
        rows.append((mac, address, "" if name == "*" else name))
    return [f"{mac:<20}{address:<16}{name}".rstrip() for mac, address, name in rows]


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Build the lab, make its machines bridge hosts, show the result."
    )
    parser.add_argument("what", choices=["demo", "lab-up", "lab-down"])
    parser.add_argument("--distro", choices=["bookworm", "trixie"], default="bookworm")
    parser.add_argument(
        "--network",
        choices=["ifupdown", "ifupdown2", "networkd", "netplan", "networkmanager"],
        default="ifupdown",
        help="what manages the network of lab-up's machines",
    )
    parser.add_argument(
        "--hosts",
        type=int,
        choices=range(1, 10),
        default=1,
        help="how many hypervisors, with guests of two tenants where there are more than one",
    )
    arguments = parser.parse_args()
    try:
        if arguments.what != "lab-down":
            write_hosts(arguments.hosts)
        if arguments.what == "demo":
            demo(arguments.distro, arguments.hosts)
        elif arguments.what == "lab-up":
            lab_up(checkout(), arguments.distro, arguments.network, Steps())
            say_where()
        else:
            checkout().play("lab", "-e", "lab_state=absent", quiet=True)
            write_hosts(1)
            for name in sweep_labs():
                print(f"Removed {name}, which a test run that was killed had left.")
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(
            f"{Path(error.cmd[0]).name} ended with {error.returncode}: {(error.stderr or 'its message stands above').strip()}",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("Interrupted. 'make lab-down' removes what is there of the lab.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
