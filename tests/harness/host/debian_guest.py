# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest with a whole Debian in it: its image, which is the lab's with cloud-init and is built once, what firmware boots it by, and how it is entered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..net.netns import run
from .guests import MAC, guest_user

LAB_IMAGE = Path(__file__).resolve().parents[3] / "roles" / "lab" / "files" / "lab_image.py"
# What it is booted by where firmware asks for signatures, and what answers from inside
PACKAGES = (
    "cloud-init",
    "e2fsprogs",
    "grub-efi-amd64-signed",
    "qemu-guest-agent",
    "shim-signed",
    "tpm2-tools",
)
ADDRESS, ROUTER, LOGIN = "10.9.0.7", "10.9.0.1", "visitor"
# The last ones as for the lab's machines: an emulated processor offers KVM to what runs inside, fails a check of its timer on a busy host, and has a slow clock
_APPEND = "root=LABEL=root rw console=ttyS0 module_blacklist=kvm_amd,kvm_intel no_timer_check tsc=reliable panic=5"
_GRUB = f"linux /vmlinuz {_APPEND}\ninitrd /initrd.img\nboot\n"
_SIGNED = {
    "/usr/lib/shim/shimx64.efi.signed": "EFI/BOOT/BOOTX64.EFI",
    "/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed": "EFI/BOOT/GRUBX64.EFI",
}


def image() -> Path:
    """The directory of the image with its kernel; built where it is missing, which takes three minutes."""
    words = [sys.executable, str(LAB_IMAGE), "--distro", "bookworm", "--network", "networkd"]
    for package in PACKAGES:
        words += ["--package", package]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return Path(done.stdout.strip())


class DebianGuest:
    """What one such guest is asked for with, its key, and what it says over SSH. C(folder) is the guests' user's."""

    def __init__(self, folder: Path, netns: str) -> None:
        self.image, self.folder, self.netns = image(), folder, netns
        self.log = folder / "serial.log"
        for name in ("login", "host"):
            words = ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
            run("ssh-keygen", *words)

    def wish(self, **more: Any) -> dict[str, Any]:
        """Its options, but for what boots it."""
        return {
            "emulator": "qemu-system-x86_64",
            "machine": "q35",
            "cpu": "max",
            "cpus": 2,
            "memory": "512",
            "agent": True,
            "rng": True,
            "disks": [self.root()],
            "serial_log": str(self.log),
            "cloud_init": self.seed(),
            "shutdown_timeout": 60,
            "wait_for": ["agent"],
            **more,
        }

    def root(self) -> dict[str, Any]:
        """Its disk: an overlay of its own."""
        made_of = {"backing_file": str(self.image / "disk.raw"), "backing_format": "raw"}
        return {"path": str(self.folder / "root.qcow2"), "format": "qcow2", **made_of}

    def directly(self) -> dict[str, str]:
        """Booted by QEMU itself."""
        kernel = {name: str(self.image / file) for name, file in (("kernel", "vmlinuz"), ("initrd", "initrd.img"))}  # fmt: skip
        return {**kernel, "append": _APPEND}

    def by_firmware(self) -> dict[str, Any]:
        """Booted by UEFI, from an EFI system partition with what Debian and Microsoft have signed."""
        path, kept = self.folder / "esp.img", self.folder / "esp"
        kept.mkdir()
        for theirs in _SIGNED:
            self._of_image(theirs, kept / Path(theirs).name)
        (kept / "grub.cfg").write_text(_GRUB, encoding="ascii")
        files = {kept / Path(theirs).name: ours for theirs, ours in _SIGNED.items()}
        files[kept / "grub.cfg"] = "EFI/debian/grub.cfg"
        files |= {self.image / name: name for name in ("vmlinuz", "initrd.img")}
        run("mkfs.vfat", "-C", str(path), str(48 * 1024))
        run("mmd", "-i", str(path), "::EFI", "::EFI/BOOT", "::EFI/debian")
        for ours, theirs in files.items():
            run("mcopy", "-i", str(path), str(ours), f"::{theirs}")
        os.chown(path, guest_user().pw_uid, guest_user().pw_gid)
        esp = {"path": str(path), "format": "raw", "read_only": True, "boot_index": 0}
        return {"firmware": "uefi", "disks": [self.root(), esp]}

    def _of_image(self, theirs: str, ours: Path) -> None:
        run("debugfs", "-R", f"dump {theirs} {ours}", str(self.image / "disk.raw"))
        assert ours.stat().st_size, f"the image has no {theirs}"

    def seed(self) -> dict[str, Any]:
        """Who may enter, by which key the guest is known, and its address. Without locales, which the image does not have."""
        config = {
            "locale": False,
            "users": [{"name": LOGIN, "ssh_authorized_keys": [self._key("login.pub")]}],
            "ssh_keys": {"ed25519_private": self._key("host"), "ed25519_public": self._key("host.pub")},
        }  # fmt: skip
        lan: dict[str, Any] = {"match": {"macaddress": MAC}, "addresses": [f"{ADDRESS}/24"]}
        lan["accept-ra"] = False  # a boot would wait for a router of IPv6, which is not there
        routes = [{"to": "default", "via": ROUTER}]
        return {
            "user_data": f"#cloud-config\n{json.dumps(config)}\n",
            "meta_data": {"local-hostname": "seeded"},
            "network_config": {"version": 2, "ethernets": {"lan0": {**lan, "routes": routes}}},
        }

    def _key(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="ascii")

    def ssh(self, command: str) -> str:
        """What a command prints in the guest, entered through the bridge; only the host key of its seed is taken."""
        known = self.folder / "known_hosts"
        known.write_text(f"{ADDRESS} {self._key('host.pub')}", encoding="ascii")
        options = ["StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}", "IdentitiesOnly=yes"]
        options += ["BatchMode=yes", "ConnectTimeout=10"]
        words = ["ip", "netns", "exec", self.netns, "ssh", "-F", "/dev/null", "-i", str(self.folder / "login")]  # fmt: skip
        for option in options:
            words += ["-o", option]
        done = subprocess.run(
            [*words, f"{LOGIN}@{ADDRESS}", command],
            check=False, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout
