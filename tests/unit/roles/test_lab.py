# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's programs: the image's name and its builder's lines, and the way into a namespace."""

from __future__ import annotations

import array
import importlib.util
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

FILES = Path(__file__).resolve().parents[3] / "roles" / "lab" / "files"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FILES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


lab_image = load("lab_image")


class Lines:
    """A progress that keeps what it was told, and says everything at once."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    now_and_then = say


def image(tmp_path: Path, *wish: object) -> str:
    return lab_image.Wish(*wish).directory(tmp_path).name


def packages(*wish: object) -> set[str]:
    return set(lab_image.Wish(*wish).recipe()["packages"])


def test_the_same_recipe_is_the_same_image_and_another_release_another(tmp_path: Path) -> None:
    one = image(tmp_path, "bookworm")
    assert one == image(tmp_path, "bookworm")
    assert lab_image.Wish("bookworm").directory(tmp_path).parent == tmp_path
    assert one.startswith("bookworm-ifupdown-")
    assert image(tmp_path, "trixie").split("-")[2] != one.split("-")[2]


def test_what_manages_the_network_is_in_the_images_name(tmp_path: Path) -> None:
    assert image(tmp_path, "trixie", "netplan").startswith("trixie-netplan-")


def test_the_image_holds_every_package_that_the_role_would_install() -> None:
    wanted = {"python3-pyroute2", "python3-netaddr", "bridge-utils", "qemu-system-x86", "ipxe-qemu"}
    assert all(wanted <= packages("bookworm", network) for network in lab_image.NETWORKS)


@pytest.mark.parametrize(
    ("network", "own"),
    [
        ("ifupdown", {"ifupdown"}),
        ("ifupdown2", {"ifupdown2"}),
        ("networkd", set()),
        ("netplan", {"netplan.io"}),
        ("networkmanager", {"network-manager"}),
    ],
)
@pytest.mark.parametrize("distro", lab_image.DISTROS)
def test_only_one_manager_is_on_a_machine(distro: str, network: str, own: set[str]) -> None:
    managers = {"ifupdown", "ifupdown2", "netplan.io", "network-manager"}
    assert packages(distro, network) & managers == own


def test_networkd_which_is_everywhere_is_switched_on_only_where_it_is_asked_for() -> None:
    on = {
        network: lab_image.Wish("trixie", network).recipe()["enabled"]
        for network in lab_image.NETWORKS
    }
    assert {network for network, units in on.items() if "systemd-networkd" in units} == {
        "networkd",
        "netplan",
    }


def test_one_more_package_is_another_image(tmp_path: Path) -> None:
    assert "sudo" in packages("bookworm", "ifupdown", ("sudo",))
    assert image(tmp_path, "bookworm", "ifupdown", ("sudo",)) != image(tmp_path, "bookworm")


def test_a_kernel_that_is_asked_for_is_in_place_of_the_small_one() -> None:
    def kernels(*more: str) -> list[str]:
        found = packages("bookworm", "ifupdown", more)
        return [one for one in found if one.startswith("linux-image-")]

    assert kernels() == ["linux-image-cloud-amd64"]
    assert kernels("linux-image-amd64", "iw") == ["linux-image-amd64"]


def test_each_release_asks_dhcp_with_its_own_client() -> None:
    clients = {"isc-dhcp-client", "dhcpcd-base"}
    assert clients & packages("bookworm") == {"isc-dhcp-client"}
    assert clients & packages("trixie") == {"dhcpcd-base"}


def test_managers_with_a_client_of_their_own_have_no_other() -> None:
    clients = {"isc-dhcp-client", "dhcpcd-base"}
    for network in ("networkd", "netplan", "networkmanager"):
        assert not clients & packages("trixie", network)


def test_the_files_that_are_laid_over_the_image_are_part_of_its_recipe() -> None:
    assert any(name.endswith("/lab-seed") for name in lab_image.Wish("bookworm").recipe()["files"])


def test_a_script_among_them_can_be_run_and_the_rest_only_read(tmp_path: Path) -> None:
    lab_image._stage(tmp_path)
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()
    }
    assert modes["lab-seed"] == 0o755 and modes["lab.conf"] == 0o644


def test_an_image_that_is_there_is_not_built_again(tmp_path: Path) -> None:
    wish = lab_image.Wish("bookworm")
    there = wish.directory(tmp_path)
    there.mkdir()
    assert lab_image.build(wish, tmp_path) == there
    assert list(tmp_path.iterdir()) == [there]


def test_the_lines_of_apt_and_dpkg_are_counted() -> None:
    told = Lines()
    counter = lab_image.Counter(told)
    for line in (
        "0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.",
        "Get:1 http://mirror bookworm/main amd64 kmod amd64 30+20221128-1 [59.2 kB]",
        "Unpacking kmod (30+20221128-1) ...",
        "Unpacking udev (252.39) ...",
        "Created symlink /etc/systemd/system/x.",
        "Setting up kmod (30+20221128-1) ...",
    ):
        counter(line)
    assert told.lines == [
        "preparing ...",
        "downloading packages",
        "downloading 1 of 2: kmod",
        "unpacking packages",
        "unpacking 1 of 2: kmod",
        "unpacking 2 of 2: udev",
        "unpacking ...",
        "configuring packages",
        "configuring 1 of 2: kmod",
    ]


def test_a_program_that_fails_is_one_error_that_ends_in_what_it_said() -> None:
    with pytest.raises(lab_image.BuildError, match=r"(?s)no such thing.*ended with 3"):
        lab_image._run([sys.executable, "-c", "print('no such thing'); raise SystemExit(3)"])


def lab_files(*wishes: dict[str, object]) -> list[str]:
    """What the program says, run as the role runs it; what it makes is whose the test is."""
    own = {"owner": os.getuid(), "group": os.getgid()}
    done = subprocess.run(
        [sys.executable, str(FILES / "lab_files.py")],
        input=json.dumps([{**own, **wish} for wish in wishes]),
        capture_output=True,
        text=True,
        check=True,
        umask=0o077,
    )
    return done.stdout.split()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_made_is_told_and_the_second_time_nothing_is(tmp_path: Path) -> None:
    folder, file = tmp_path / "etc" / "network", tmp_path / "etc" / "network" / "interfaces"
    wishes = (
        {"path": str(folder), "mode": "0700"},
        {"path": str(file), "mode": "0640", "content": "auto lo – ä\n"},
    )
    assert lab_files(*wishes) == [str(folder), str(file)]
    assert file.read_text(encoding="utf-8") == "auto lo – ä\n"
    assert (mode(folder.parent), mode(folder), mode(file)) == (0o755, 0o700, 0o640)
    assert os.listdir(folder) == ["interfaces"]
    assert lab_files(*wishes) == []


def test_what_differs_is_made_right_and_told(tmp_path: Path) -> None:
    folder, file = tmp_path / "root", tmp_path / "hostname"
    folder.mkdir(mode=0o755)
    file.write_text("old\n", encoding="utf-8")
    file.chmod(0o600)
    wishes = (
        {"path": str(folder), "mode": "0700"},
        {"path": str(file), "mode": "0600", "content": "hv1\n"},
    )
    assert lab_files(*wishes) == [str(folder), str(file)]
    assert (mode(folder), file.read_text(encoding="utf-8")) == (0o700, "hv1\n")


def test_what_is_kept_keeps_what_is_in_it(tmp_path: Path) -> None:
    log = tmp_path / "serial.log"
    wish = {"path": str(log), "mode": "0600", "content": "", "keep": True}
    assert lab_files(wish) == [str(log)]
    log.write_text("booted\n", encoding="utf-8")
    assert lab_files(wish) == []
    assert log.read_text(encoding="utf-8") == "booted\n"


def test_what_lies_in_a_files_way_is_no_way_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("not the lab's\n", encoding="utf-8")
    (tmp_path / ".hostname.new").symlink_to(elsewhere)
    lab_files({"path": str(tmp_path / "hostname"), "mode": "0644", "content": "hv1\n"})
    assert elsewhere.read_text(encoding="utf-8") == "not the lab's\n"
    assert (tmp_path / "hostname").read_text(encoding="utf-8") == "hv1\n"


def test_connect_hands_out_the_connected_socket() -> None:
    ours, theirs = socket.socketpair()
    with ours, socket.create_server(("127.0.0.1", 0)) as server:
        with theirs:
            host, port = server.getsockname()
            child = subprocess.Popen(
                [sys.executable, str(FILES / "connect.py"), host, str(port)], stdout=theirs.fileno()
            )
        ours.settimeout(20)
        _data, ancillary, _flags, _address = ours.recvmsg(1, socket.CMSG_SPACE(4))
        handed = array.array("i", ancillary[0][2])
        assert child.wait(20) == 0
        peer, _address = server.accept()
        with peer, socket.socket(fileno=handed[0]) as connected:
            assert os.get_blocking(connected.fileno())
            connected.sendall(b"hello")
            assert peer.recv(5) == b"hello"


def test_connect_says_what_is_wrong_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    done = subprocess.run(
        [sys.executable, str(FILES / "connect.py"), "127.0.0.1", str(port)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and f"127.0.0.1 port {port}" in done.stderr


def test_names_of_the_roles_variables_say_whose_they_are() -> None:
    role = FILES.parent
    assert all(
        name.startswith("__lab")
        for name in yaml.safe_load((role / "vars" / "main.yml").read_text(encoding="utf-8"))
    )
