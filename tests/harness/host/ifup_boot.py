# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network part of a boot: C(ifup -a) of the host in a namespace, with its own /etc/network and /run.

It has the hooks of bridge-utils, which is installed, and of ifenslave and vlan, whose Debian packages are unpacked into the cache: installed they would
be hooks of this machine too. Where a kernel has neither bonds nor VLANs, an ip(8) of the boot's own makes another device by the name, and says of which kind.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HOOKS = ("if-pre-up.d", "if-up.d", "if-down.d", "if-post-down.d")
_UNPACKED = ("ifenslave", "vlan")
# ifupdown gives its hooks a PATH that begins there
_IP = """#!/bin/sh
real=/usr/sbin/ip
case "$*" in
    *"type bond") kind=bond ;;
    *"type vlan id "*) kind=vlan ;;
    *) exec $real "$@" ;;
esac
words="$*"
while [ $# -gt 0 ]; do
    case "$1" in
        link) [ "$2" = add ] || { $real link show dev "$2" > /dev/null || exit 1; } ;;
        name|dev) made=$2 ;;
    esac
    shift
done
echo "made a $kind: $made ($words)"
exec $real link add dev "$made" type veth peer name "$made-w"
"""
# $0 is the host's folder, $1 whose programs it has: / or a root file system
_ALONE = """
set -e
root=${1%/}
if [ -n "$root" ]; then
    mount --bind "$root" "$root"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
fi
mount --bind "$0/network" "$root/etc/network"
mount --bind "$0/sbin" "$root/usr/local/sbin"
mount -t tmpfs none "$root/run"
mkdir "$root/run/network"
exec chroot "$root/" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin ifup -a --verbose
"""
_THIS = Path("/")


@contextmanager
def archive_of(package: str) -> Iterator[Path]:
    """A package of this machine's release, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["apt-get", "-q", "download", package], cwd=folder, check=True, capture_output=True)  # fmt: skip
        (archive,) = Path(folder).glob(f"{package}_*.deb")
        yield archive


def _unpacked(package: str) -> Path:
    """A package in the cache."""
    place = Path(os.environ["HYPERVISOR_NETWORK_CACHE"]) / "hooks" / package
    if not place.exists():
        with archive_of(package) as archive:
            unpacked = archive.parent / "unpacked"
            subprocess.run(["dpkg-deb", "-x", str(archive), str(unpacked)], check=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(unpacked, place)
    return place


def debian13() -> Path:
    """A root file system of Debian 13 with its ifupdown, iproute2 and hooks, in the cache."""
    place = Path(os.environ["HYPERVISOR_NETWORK_CACHE"]) / "rootfs" / "boot-trixie"
    if not (place / ".complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        packages = "iproute2,ifupdown,bridge-utils,ifenslave,vlan,procps"
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=apt", f"--include={packages}", "trixie", str(place)],
            check=True, capture_output=True,
        )  # fmt: skip
        (place / ".complete").touch()
    return place


def boot(netns: str, text: str, folder: Path, root: Path = _THIS) -> str:
    """Bring everything up that the text calls auto, by the programs of C(root); returns what ifup said. Its exit status is in the last line."""
    network = folder / "network"
    shutil.rmtree(network, ignore_errors=True)
    for name in _HOOKS:
        (network / name).mkdir(parents=True)
        for package, of in _hooks_of(root):
            hook = of / "etc" / "network" / name / package
            if hook.is_symlink():
                hook = root / os.readlink(hook).lstrip("/")
            if hook.exists():
                shutil.copy(hook, network / name / package)
    (folder / "sbin").mkdir(exist_ok=True)
    (folder / "sbin" / "ip").write_text(_IP, encoding="ascii")
    (folder / "sbin" / "ip").chmod(0o755)
    (network / "interfaces").write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["ip", "netns", "exec", netns, "sh", "-c", _ALONE, str(folder), str(root)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120,
    )  # fmt: skip
    return f"{done.stdout}\nifup ended with {done.returncode}"


def _hooks_of(root: Path) -> list[tuple[str, Path]]:
    """The packages that have hooks, and where each is."""
    return [("bridge", root)] + [
        (one, _unpacked(one) if root == _THIS else root) for one in _UNPACKED
    ]
