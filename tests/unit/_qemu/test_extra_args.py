# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further arguments of QEMU: what shapes the machine passes, what opens, runs or listens does not, however it is spelled."""

from __future__ import annotations

import pytest

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import extra_args


@pytest.mark.parametrize(
    "line",
    [
        "-no-reboot",
        "--no-reboot -no-shutdown",
        "-device virtio-rng-pci",
        "-device driver=virtio-rng-pci,id=rng0",
        '-device {"driver":"virtio-rng-pci","id":"r","bus":"pci.0","max-bytes":1024}',
        "-object rng-random,id=r0,filename=/dev/urandom -device virtio-rng-pci,rng=r0",
        "-device virtio-balloon-pci,free-page-reporting=on",
        "-device qemu-xhci -device usb-tablet,bus=usb-bus.0",
        "-device VGA,vgamem_mb=16",
        "-rtc base=utc,clock=host,driftfix=slew",
        "-uuid 12345678-1234-1234-1234-123456789abc",
        "-smbios type=1,manufacturer=Acme,serial=ds=nocloud",
        "-boot menu=on,strict=on",
        "-fw_cfg name=opt/org.example/key,string=value",
        "-global PIIX4_PM.disable_s3=1",
        "-object memory-backend-ram,id=m0,size=1G",
        "-vga std",
        "-action panic=none",
        "-overcommit cpu-pm=on",
    ],
)
def test_what_shapes_the_machine_is_allowed(line: str) -> None:
    assert extra_args.checked(line.split()) == line.split()


@pytest.mark.parametrize(
    "line",
    [
        # 12.6, each as it was accepted
        "-s", "-gdb tcp::1234", "-vnc :0", "-spice port=5900", "-serial tcp::4444,server", "-nic user,hostfwd=tcp::22-:22", "-net user",
        "-qtest tcp::1", "-plugin /tmp/x.so", "-set device.nic0.romfile=/etc/shadow", "-writeconfig /tmp/x", "-drive file=/etc/shadow",
        "-fsdev local,id=f,path=/,security_model=none",
        # and as they are spelled otherwise
        "--vnc :0", "-vnc=:0", "--vnc=:0", "-VNC :0", "-display vnc=:0", "-display spice-app", "-chardev socket,id=c,host=0.0.0.0,port=1,server=on",
        "--chardev stdio,id=c", "-parallel tcp::1", "-debugcon tcp::1", "-monitor tcp::1", "-mon chardev=c", "-qmp tcp::1", "-qmp-pretty tcp::1",
        "-incoming tcp::1", "-readconfig /tmp/x", "-loadvm x", "-sandbox off", "-runas root", "-run-with user=root", "-daemonize", "-chroot /",
        "-pidfile /etc/x", "-preconfig", "-S", "-netdev user,id=n", "-netdev socket,id=n,listen=:1", "-net nic", "-hda /etc/shadow", "-cdrom /x",
        "-fda /x", "-sd /x", "-mtdblock /x", "-pflash /x", "-blockdev {}", "-virtfs local,path=/", "-usbdevice tablet", "-iscsi user=x",
        "-kernel /x", "-initrd /x", "-append x", "-dtb /x", "-bios /etc/shadow", "-L /tmp", "-option-rom /etc/shadow", "-acpitable file=/etc/shadow",
        "-D /etc/x", "-d all", "-trace file=/etc/x", "-tpmdev passthrough,id=t", "-audiodev wav,id=a,path=/etc/x", "-nographic", "-semihosting",
        "-semihosting-config chardev=c", "-mem-path /etc", "-m 1G", "-smp 4", "-cpu max", "-machine q35", "-M q35", "-accel kvm", "-enable-kvm",
        "-name x", "-nodefaults", "-no-user-config", "-add-fd fd=3,set=1", "-xen-attach", "-watchdog i6300esb", "-compat x", "-dump-vmstate /x",
        "-perfmap", "-jitdump", "-icount shift=1,rr=record,rrfile=/etc/x", "-help", "-version", "-h",
        # a device that reaches for more than the machine
        "-device vhost-user-fs-pci,chardev=c", "-device vfio-pci,host=01:00.0", "-device virtio-net-pci,netdev=net0", "-device e1000,romfile=/etc/shadow",
        "-device virtio-rng-pci,romfile=/etc/shadow", "-device virtio-rng-pci,driver=vfio-pci", "-device id=a,driver=usb-host", "-device isa-serial,chardev=c",
        "-device loader,file=/etc/shadow", "-device virtio-blk-pci,drive=disk0", "-device usb-redir,chardev=c", "-device help", "-device virtio-rng-pci,help",
        "-device intel-hda", "-device ,", '-device {"driver":"loader","file":"/etc/shadow"}', '-device {"driver":"virtio-rng-pci","driver":"vfio-pci"}',
        '-device {"driver":{"a":1}}', "-device {", "-device []", "-device",
        # an object that does
        "-object secret,id=s,file=/etc/shadow", "-object memory-backend-file,id=m,mem-path=/etc/x,size=1M", "-object rng-random,id=r,filename=/etc/shadow",
        "-object rng-egd,id=r,chardev=c", "-object filter-dump,id=f,netdev=net0,file=/x", "-object input-linux,id=i,evdev=/dev/input/event0",
        "-object qom-type=rng-builtin,id=r,qom-type=secret", "-object can-host-socketcan,id=c,if=can0", "-object authz-list-file,id=a,filename=/x",
        # a value that names a file, or begins another property
        "-smbios file=/etc/shadow", "-smbios type=11,path=/etc/shadow", "-fw_cfg name=opt/a,file=/etc/shadow", "-fw_cfg name=etc/x,string=a",
        "-fw_cfg opt/a,string=/etc/shadow", "-boot splash=/etc/shadow", "-boot c", "-boot order=d", "-rtc base=utc,x=/y", "-global virtio-net-pci.romfile=x",
        "-global driver=virtio-net-pci,property=romfile,value=/etc/shadow", "-global VGA.id=/etc/shadow", "-vga qxl", "-uuid x", "-k ../../etc/x", "-msg",
        # what stands behind no option is a disk image to QEMU
        "/etc/shadow", "-no-reboot /etc/shadow", "-", "--", "",
    ],
)  # fmt: skip
def test_what_opens_runs_or_listens_is_refused(line: str) -> None:
    with pytest.raises(BadInput) as caught:
        extra_args.checked(line.split() or [""])
    assert "\n" not in str(caught.value) and str(caught.value).startswith("extra_args ")


@pytest.mark.parametrize(
    ("word", "option"),
    [
        ("-drive", "disks"), ("-hda", "disks"), ("-nic", "nics"), ("--netdev", "nics"), ("-vnc", "vnc"), ("-spice", "vnc"), ("-serial", "serial_log"),
        ("-m", "memory"), ("-smp", "cpus"), ("-runas", "user"), ("-S", "paused"), ("-enable-kvm", "accel"), ("-kernel", "kernel"),
    ],
)  # fmt: skip
def test_the_refusal_names_the_option_that_does_it_properly(word: str, option: str) -> None:
    with pytest.raises(BadInput, match=option):
        extra_args.checked([word, "x"])
