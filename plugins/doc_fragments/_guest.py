# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a guest, written once for the single form and the list."""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.plugin_utils._docs import one_or_many
from ansible_collections.hypervisor.network.plugins.plugin_utils._docs_devices import DISKS, NICS

_OPTIONS = (
    r"""
name:
  description:
    - Name of the guest, unique on the host. Begins with a lower case letter, then up to 30 of lower case letters, digits and C(-).
  type: str
state:
  description:
    - V(running) starts the guest, or lets it go on. V(paused) holds its processors still.
    - V(stopped) asks the guest to shut down, then ends QEMU, then kills it. Its definition stays, so O(name) is enough to start it again.
    - V(absent) stops it and forgets its definition. Disk images stay.
  type: str
  choices: [running, stopped, paused, absent]
  default: running
emulator:
  description:
    - QEMU's program, such as V(qemu-system-x86_64) or V(qemu-system-i386), or its absolute path. A new guest gets V(qemu-system-x86_64).
  type: str
machine:
  description:
    - Machine type, such as V(pc), V(q35) or V(virt). A new guest gets V(pc) on x86. Other emulators need one.
    - To QEMU these are words for the newest version that it has. A guest keeps the version of its first start, until it is absent, so an upgrade of QEMU
      does not exchange its hardware. RV(guest.machine_used) tells it. Name a version such as V(pc-q35-10.0) for another one.
  type: str
accel:
  description:
    - V(kvm) runs the guest on the processor, V(tcg) translates its code. A new guest gets V(auto), which takes V(kvm) where it works.
    - Whether it works is tried with a tiny guest, since there are hosts whose C(/dev/kvm) opens and whose guests hang. The answer counts until the next
      boot of the host; where there was none in time, it is tried again by the next run.
      RV(guest.accel_used) and RV(guest.accel_reason) tell what was chosen and why.
  type: str
  choices: [auto, kvm, tcg]
cpu:
  description:
    - CPU model. Without it, V(host) under KVM and QEMU's own default otherwise.
  type: str
cpus:
  description:
    - Number of virtual processors. A new guest gets V(1).
  type: int
memory:
  description:
    - Memory in MiB, or with a unit, such as V(4G). A new guest gets V(512).
  type: str
"""
    + DISKS
    + r"""
cdrom:
  description:
    - Absolute path of a CD image.
  type: path
"""
    + NICS
    + r"""
boot:
  description:
    - Boot order as QEMU's C(-boot), such as V(n) for the network or V(cd).
  type: str
kernel:
  description:
    - Absolute path of a kernel to boot directly.
  type: path
initrd:
  description:
    - Absolute path of the initial RAM disk. Needs O(kernel).
  type: path
append:
  description:
    - Command line of the kernel. Needs O(kernel). Every user of the host can read it, so it is no place for a secret.
  type: str
firmware:
  description:
    - What starts the guest. Without it, that is the machine's own, on x86 V(bios).
    - V(uefi) takes the first firmware that fits the machine of those that the host's packages describe in C(/usr/share/qemu/firmware), such as
      that of the Debian packages C(ovmf) and C(qemu-efi-aarch64). The guest gets a store of variables of its own, which outlives stops and boots of the
      host, takes part in snapshots, and goes with O(state=absent). Give such a guest 256 MiB of O(memory) or more.
  type: str
  choices: [bios, uefi]
secure_boot:
  description:
    - Whether the firmware starts only what is signed by the keys that the distribution has enrolled. Needs O(firmware=uefi) and O(machine=q35).
    - With and without it, a guest has two stores of variables.
  type: bool
tpm:
  description:
    - Whether the guest has a TPM 2.0. It is a process beside QEMU, from the Debian package C(swtpm), which ends with the guest.
    - It runs as the system user C(hypervisor-tpm), which the role P(hypervisor.network.bridge_host#role) makes, so a guest that breaks out of QEMU
      cannot touch what its TPM knows. Under systemd it is a unit of its own, C(hypervisor-network-tpm@NAME.service).
    - What the TPM knows outlives stops and boots of the host, and goes with O(state=absent).
    - QEMU does not notice when that process dies, and ends when the guest resets. Until then RV(guest.problems) says so.
  type: bool
agent:
  description:
    - Whether the guest has the port that the program C(qemu-guest-agent) in it answers at, the socket C(agent.sock) in its run directory.
  type: bool
console:
  description:
    - Whether the guest's serial line can be typed at, by the socket C(console.sock) in its run directory, one at a time. The command line for that is
      C(consoles) of M(hypervisor.network.qemu_guest_info). What the guest says meanwhile is in O(serial_log) too, where there is one.
    - Root and O(user) can reach it, and nobody else.
  type: bool
rng:
  description:
    - Whether the guest gets random numbers of the host, which let it begin without waiting for its own.
  type: bool
balloon:
  description:
    - Whether the guest has a balloon. It gives back to the host what it has freed of its memory, and may take it again at any time. Also, a smaller O(memory)
      needs no restart then, see O(on_change).
  type: bool
generation_id:
  description:
    - Whether the guest has a number that is another one at each start, by which it notices that it may be a copy or have gone back to a snapshot.
  type: bool
vsock:
  description:
    - The number by which programs of the host reach the guest over C(AF_VSOCK), without a network, from V(3) on, another one for each guest of the host. Needs
      C(/dev/vhost-vsock), of the kernel's module C(vhost_vsock).
  type: int
smbios:
  description:
    - What the guest finds in its SMBIOS table C(System), as C(dmidecode -t system) tells it. An empty dictionary takes it away.
    - Every user of the host can read it, so it is no place for a secret.
  type: dict
  suboptions:
    manufacturer:
      description:
        - Who made it.
      type: str
    product:
      description:
        - What it is.
      type: str
    version:
      description:
        - Which version of that.
      type: str
    serial:
      description:
        - Serial number of the machine.
      type: str
    sku:
      description:
        - Number by which it is ordered.
      type: str
    family:
      description:
        - Family of products.
      type: str
credentials:
  description:
    - Credentials for the guest's systemd by their names, such as C(system.hostname), C(firstboot.locale) or one that a unit of it loads. It finds them in the
      SMBIOS tables. Each has 4096 bytes at most. An empty dictionary takes them away.
    - Every user of the host can read them on QEMU's command line, so they are no place for a secret.
  type: dict
cloud_init:
  description:
    - What cloud-init finds in the guest. It is given as a seed, a small disk that is only read and stands behind all others (the data source NoCloud).
    - The seed is made anew when what is in it changes, and taken by the next start. An empty dictionary takes it away.
    - Needs one of the Debian packages C(xorriso), C(genisoimage), or C(dosfstools) with C(mtools).
  type: dict
  suboptions:
    user_data:
      description:
        - Text that begins with a line which cloud-init knows, such as C(#cloud-config) or C(#!).
        - It may hold secrets, so results and diffs only have a fingerprint of it. It is kept in the seed, which root and O(user) can read.
          The guest's other programs can read it, too.
      type: str
    meta_data:
      description:
        - A dictionary of what the data source tells of the instance, such as C(local-hostname). It is no place for a secret.
        - Without an C(instance-id) it gets one that is made of the seed, so that cloud-init takes a changed seed for another instance and acts again. Another
          seed with the same one is refused, since the guest would pass over it.
      type: dict
    network_config:
      description:
        - A dictionary with the configuration of the network, with its C(version). It is no place for a secret.
        - A route C(to) V(default) is written in numbers, since the cloud-init of Debian 12 fails on the word.
      type: dict
serial_log:
  description:
    - File that the first serial line is appended to. A file that would grow beyond 16 MiB is renamed, to end in C(.1), in place of an earlier
      one, so a guest takes 32 MiB of the disk at most. Where O(user) may not write to the directory the file is emptied instead.
  type: path
vnc:
  description:
    - Unix socket that VNC listens at. The guest gets a graphics card. There is no VNC over TCP here.
  type: path
user:
  description:
    - User that QEMU runs as, a name or a number of the target. It needs access to the images, and must own the taps.
    - Without one, it is the system user C(hypervisor-guest), which the role P(hypervisor.network.bridge_host#role) makes, and which owns nothing else.
    - Whoever breaks out of QEMU is this user. It has no capabilities, and QEMU's system call filter is on. Give guests that must not reach each
      other's images different users.
  type: str
allow_root:
  description:
    - Let O(user) be root. Without it such a guest is refused, whatever the name of the user with the number 0 is, since whoever breaks out of QEMU
      then owns the host.
    - The one reason for it is an image in a place that only root can reach, on a host that runs no guest of anybody else.
  type: bool
allowed_roots:
  description:
    - Directories that the guest's files must be below, with all links resolved. This counts for every file that is named here or in the header of an image.
    - Without it, these are C(/boot), C(/data), C(/home), C(/media), C(/mnt), C(/opt), C(/run), C(/srv), C(/tmp), C(/usr/lib), C(/usr/share),
      C(/var/cache), C(/var/lib), C(/var/log) and C(/var/tmp).
    - No file may be a symbolic link itself. Every directory above it must belong to root or O(user), and nobody else may write to it, since whoever can
      could exchange the file between the look and the use.
  type: list
  elements: path
supervisor:
  description:
    - What keeps the guest. V(systemd) is a unit, C(hypervisor-network-guest@NAME.service), with QEMU as its main process, in a sandbox. It is there again
      after a boot, and is looked at with C(systemctl status) and C(journalctl -u). V(process) is a process in a session of its own, which ends with the host.
    - V(auto) is V(systemd) where that is the host's first process and answers, else V(process).
    - A guest that runs is not ended for it. One that an earlier version started goes on as a process, which is taken over as it runs, as
      C(hypervisor-network-guest-NAME.scope), so a shutdown of the host asks it first. RV(guest.pending_changes) says so, and the next start makes it a unit.
      Only V(systemd) and V(process) with O(on_change=restart) end it for that.
  type: str
  choices: [auto, systemd, process]
  default: auto
autostart:
  description:
    - Whether the guest begins with the host, without Ansible. Needs a unit, see O(supervisor). A new guest that is a unit gets V(true), except one in a network
      namespace, which would not be there yet.
    - A boot does not wait for guests. A guest waits for its taps, 90 seconds by default, and then fails, which C(systemctl --failed) and
      M(hypervisor.network.qemu_guest_info) tell.
  type: bool
start_order:
  description:
    - Place in the order in which guests begin with the host, from V(1) to V(99). Guests with a lower one are started before, and shut down after it, by the
      host's shutdown and by a run that stops a list of them. Guests without one do not wait for others.
  type: int
start_delay:
  description:
    - Seconds that the guest waits before it begins with the host, after those with a lower O(start_order). A start by this module is not delayed.
  type: int
memory_max:
  description:
    - The most memory that QEMU may take, in MiB or with a unit, after which the kernel ends the guest. QEMU takes more than O(memory), so leave it some
      256 MiB. Needs a unit of systemd. A guest without KVM gets 64 MiB for translated code then, which is slower.
  type: str
cpu_quota:
  description:
    - The most processor time that QEMU may take, in per cent of one processor, so V(150) is one and a half. Needs a unit.
  type: int
cpu_weight:
  description:
    - The guest's share where processors are short, from V(1) to V(10000), of those of all guests. The kernel's default is 100. Needs a unit.
  type: int
cpu_affinity:
  description:
    - The processors that QEMU may run on, numbers and ranges such as V(4-7). Needs a unit.
  type: list
  elements: str
on_change:
  description:
    - What to do with a running guest that is not as it shall be. V(keep) only reports RV(guest.pending_changes), and the next start takes them.
      V(hotplug) changes what a running guest can take over, and leaves the rest pending. V(restart) does so where that is all, and else stops and starts it.
    - A running guest can take over cards and disks that come or go, O(nics[].link), a larger O(disks[].size), the limits of disks, and, where it was started
      with O(balloon), an O(memory) that is at most what it was started with.
    - Cards are plugged in and out on PCI, unless they have O(nics[].vhost), and disks on O(disks[].bus=virtio), or V(scsi) where it has such a disk already.
      On V(q35) and V(virt) there is room for four, and what was there from the start stays. What was plugged in there is looked at for 6 seconds, since
      a guest that boots may let go of it again; then the run fails, and is to be run again. Cards or disks that change places wait for the next start.
      A guest that is a unit of systemd may write only to the directories of its files, so a disk in another one waits, too.
    - A guest has to let go of what it loses, and to fill its balloon, for which it gets O(wait_timeout), or 20 seconds. One that boots, or has no operating
      system, does neither, and the run fails, as at once where it says that it keeps the device. What it holds stays whole, and the next run goes on.
      One that is V(paused) and stays so is not asked, and what it would have to do is pending.
    - What counts is what QEMU says of the guest. What somebody else has plugged in, taken out or limited over a monitor of it is a difference, too.
  type: str
  choices: [keep, restart, hotplug]
  default: keep
shutdown_timeout:
  description:
    - Seconds that the guest has to shut down by itself before QEMU is ended. V(0) ends QEMU at once. A new guest gets V(60).
    - A guest that is a unit keeps what it was started with, for the shutdown of the host too, where each place of O(start_order) may take so long.
  type: float
wait_for:
  description:
    - What a start waits for. V(running) is always waited for. V(mac_learned) is, for each card, a frame of the guest in the bridge's forwarding database.
    - V(serial) is O(serial_pattern) on the serial line, in what O(serial_log) gets from this start on. V(agent) is an answer of the guest's agent, for which
      it needs O(agent). V(port) is a connection that O(port_at) accepts.
    - A guest that does not get there in O(wait_timeout) is taken back to what it was, and the message has the end of what it said.
  type: list
  elements: str
  choices: [running, mac_learned, serial, agent, port]
  default: [running]
serial_pattern:
  description:
    - Regular expression of Python that a line must have in it, such as V(login:). It is looked for in each line, without colours, and in one that is not
      at its end yet.
  type: str
port_at:
  description:
    - An address and a TCP port, as V(192.0.2.10:22) or V([2001:db8::10]:22). The host must be able to reach it, in O(netns) where that is given. Who else
      has the address answers as well.
  type: str
wait_timeout:
  description:
    - Seconds to wait. Without it, 60 where KVM runs the guest, and 300 where its processor is emulated or its O(firmware) is V(uefi).
      See O(on_change), too.
  type: float
extra_args:
  description:
    - Further arguments of QEMU, one per item, of those that shape the machine only. Everything that opens a file, starts a program or listens is refused,
      with the option of this module that does it properly, if there is one. So nothing of a guest listens to the network.
    - Allowed are C(-device) and C(-global) with harmless devices and properties (random numbers, balloon, USB, PCI bridges, graphics cards, watchdogs),
      C(-object) of C(rng-builtin), C(rng-random), C(iothread) and C(memory-backend-ram), C(-rtc), C(-smbios), C(-fw_cfg) with a C(string), C(-boot) with
      C(menu) and C(strict), C(-uuid), C(-vga), C(-k), C(-numa), C(-action), C(-watchdog-action), C(-overcommit), C(-icount), C(-msg), C(-usb),
      C(-mem-prealloc), C(-no-acpi), C(-no-hpet), C(-no-reboot) and C(-no-shutdown).
  type: list
  elements: str
"""
)


class ModuleDocFragment:
    """Name, state and options of guests."""

    # Annotated, because ansible-test takes every plain assignment here for a literal
    DOCUMENTATION: str = one_or_many(
        _OPTIONS,
        "guests",
        "Many guests in one run. Each takes the options named here. What an item leaves out comes from beside the list.",
    )
