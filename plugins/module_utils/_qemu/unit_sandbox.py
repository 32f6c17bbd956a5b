# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What the units of QEMU and of swtpm have alike: who wrote them, their surroundings, and what neither may do.

Each line was tried with systemd 252 and 257. Sources: systemd.exec(5), systemd.resource-control(5).
"""

from __future__ import annotations

MARK = "# Written by hypervisor.network. Edit it by 'systemctl edit': a run of qemu_guest writes it again."
# Of QEMU and of swtpm
SERVICE_LINES = """WorkingDirectory=/
StandardInput=null
StandardOutput=journal
StandardError=journal
LimitCORE=0
OOMScoreAdjust=200
"""
# What neither QEMU nor swtpm needs
SANDBOX = """CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
DevicePolicy=closed
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
ProcSubset=pid
PrivateIPC=yes
RemoveIPC=yes
KeyringMode=private
IPAddressDeny=any
RestrictAddressFamilies=AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
# their own filters call seccomp(2), which that set of systemd 252 lacks
SystemCallFilter=@system-service seccomp
SystemCallFilter=~@privileged
"""
