# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. What a guest finds in its SMBIOS tables: what it is called there, and credentials for its systemd (systemd.system-credentials(7)).

All of it is on QEMU's command line, where every user of the host can read it.
"""

from __future__ import annotations

import base64
import re
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput
from ansible_collections.hypervisor.network.plugins.module_utils._qemu import spec_words as words

SYSTEM = ("manufacturer", "product", "version", "serial", "sku", "family")
SPEC: dict[str, dict[str, Any]] = {word: {"type": "str"} for word in SYSTEM}
_NAME = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_.@-]{0,99}")
_LONGEST_WORD = 200
_LONGEST = 4096  # bytes of a credential; the tables have 64 KiB for everything


def system(asked: Mapping[str, Any], option: str) -> dict[str, str] | None:
    """The words of the table System, None where none is asked for any more, as by {}. Raises BadInput."""
    found = {}
    for word in SYSTEM:
        value = asked.get(word)
        if value is not None:
            words.text(value, f"{option}.{word}")
            if not 1 <= len(value.encode("utf-8", "surrogatepass")) <= _LONGEST_WORD:
                raise BadInput(
                    f"{option}.{word} has {len(value)} characters; write 1 to {_LONGEST_WORD} bytes, or leave it out."
                )
            found[word] = value
    return found or None


def credentials(asked: Mapping[str, Any], option: str) -> dict[str, str] | None:
    """Credentials by their names, None where none is asked for any more. Raises BadInput."""
    found = {}
    for name, value in asked.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BadInput(
                f"{option} has the name {name!r}; write up to 100 letters, digits, '_', '.', '@' and '-', the first none of '.' and '-'."
            )
        if not isinstance(value, str) or "\0" in value:
            raise BadInput(f"{option}.{name} is no text; put it in quotes.")
        if len(value.encode("utf-8", "surrogatepass")) > _LONGEST:
            raise BadInput(
                f"{option}.{name} has more than {_LONGEST} bytes, and the tables are small; have the guest fetch it, or put it in cloud_init."
            )
        found[name] = value
    return found or None


def arguments(spec: Mapping[str, Any]) -> list[str]:
    """QEMU's words for them. A credential is in base64, so it may hold what ends a line or an option."""
    found: list[str] = []
    if spec.get("smbios"):
        told = [f"{word}={value.replace(',', ',,')}" for word, value in spec["smbios"].items()]
        found += ["-smbios", ",".join(["type=1", *told])]
    for name, value in (spec.get("credentials") or {}).items():
        text = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode("ascii")
        found += ["-smbios", f"type=11,value=io.systemd.credential.binary:{name}={text}"]
    return found
