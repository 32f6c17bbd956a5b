# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The TPM of a guest that is a unit of systemd: a unit and a user of its own, and a socket that is all that the two share.

::

    hypervisor-network-tpm@NAME.socket     systemd listens, so QEMU never comes too early; the guest's user may connect, and nobody else
    hypervisor-network-tpm@NAME.socket.d/guest.conf
    hypervisor-network-tpm@NAME.service    swtpm, which the guest's unit requires, and which ends with it

What breaks out of QEMU is the guest's user, who may not read the folder with the TPM's keys, nor signal swtpm. That its process dies does not end
the guest: Requires= hands on what is stopped, not what fails. Tried with systemd 252 and 257 and the swtpm of Debian 12 and 13.
"""

from __future__ import annotations

from ansible_collections.hypervisor.network.plugins.module_utils._host import places
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import unit_sandbox
from ansible_collections.hypervisor.network.plugins.module_utils._qemu.guest import TPM_USER

SOCKET = "hypervisor-network-tpm@.socket"
SERVICE = "hypervisor-network-tpm@.service"
PROGRAM = "/usr/bin/swtpm"
_GUESTS = f"{places.KEPT}/guests"
_STATE = f"{_GUESTS}/%i/tpm"

SOCKET_TEXT = f"""{unit_sandbox.MARK}
[Unit]
Description=TPM of the QEMU guest %i, its socket (hypervisor.network)
Documentation=https://github.com/hypervisor-network/hypervisor.network
StopWhenUnneeded=yes
StartLimitIntervalSec=0

[Socket]
ListenStream={places.RUN}/.%i.tpm
DirectoryMode={places.RUN_MODE:04o}
SocketMode=0600
RemoveOnStop=yes
Backlog=1
"""

SERVICE_TEXT = f"""{unit_sandbox.MARK}
[Unit]
Description=TPM of the QEMU guest %i (hypervisor.network)
Documentation=https://github.com/hypervisor-network/hypervisor.network
Requires=hypervisor-network-tpm@%i.socket
After=hypervisor-network-tpm@%i.socket
# A guest that is started again gets another one, and one that did not come to need it leaves none behind
PartOf=hypervisor-network-guest@%i.service
StopWhenUnneeded=yes
StartLimitIntervalSec=0

[Service]
Type=exec
Slice=machine.slice
Restart=no
User={TPM_USER}
# without --terminate it would wait for another QEMU after one that was killed
ExecStart={PROGRAM} socket --tpm2 --tpmstate dir={_STATE} --seccomp action=kill --terminate --ctrl type=unixio,fd=3
# Made where it is missing, and taken over with all that is in it where an earlier version left it to the guest's user
StateDirectory={_GUESTS[len("/var/lib/") :]}/%i/tpm
StateDirectoryMode=0700
UMask=0077
{unit_sandbox.SERVICE_LINES}TasksMax=16
# Of all guests' files it sees its own folder
TemporaryFileSystem={places.KEPT}:ro
BindPaths={_STATE}
PrivateDevices=yes
PrivateNetwork=yes
PrivateUsers=yes
MemoryDenyWriteExecute=yes
{unit_sandbox.SANDBOX}SystemCallFilter=~@resources
"""

_BOTH = " ".join(one.replace("@", "@%i") for one in (SOCKET, SERVICE))
# The lines of a guest's unit by which its TPM is there before it
NEEDED = (f"Requires={_BOTH}", f"After={_BOTH}")


def units(name: str) -> list[str]:
    """The units of a guest's TPM: the socket, then the service."""
    return [SOCKET.replace("@", f"@{name}"), SERVICE.replace("@", f"@{name}")]


def socket_of(root: str, name: str) -> str:
    """Where systemd listens for the TPM of a guest below the run directory C(root): in root's own directory, so that nothing takes its place."""
    return f"{root}/.{name}.tpm"


def drop_in(user: str) -> str:
    """The text of what is particular to the socket of one guest, that runs as C(user)."""
    return f"{unit_sandbox.MARK}\n[Socket]\nSocketUser={user}\n"
