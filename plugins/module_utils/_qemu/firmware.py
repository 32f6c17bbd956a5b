# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. Which UEFI firmware a guest gets, of those that the host's packages describe (docs/interop/firmware.json of QEMU).

A description names the code and the template of the variables that belong together: a store of another size is taken without a word,
and forgets everything.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import Any, Callable, Iterable, Iterator, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import Refused

# What a machine is called in descriptions, by the word that QEMU takes for its newest version
_ALIASES = {"pc": "pc-i440fx-", "q35": "pc-q35-", "virt": "virt-"}
_SECURE = {"secure-boot", "enrolled-keys"}
_PACKAGES = {
    "x86_64": "ovmf",
    "i386": "ovmf-ia32",
    "aarch64": "qemu-efi-aarch64",
    "arm": "qemu-efi-arm",
}


@dataclass(frozen=True)
class Firmware:
    """Code with the C(template) of its variables, paths with their formats; C(smm) where only the system management mode may write the variables."""

    code: str
    code_format: str
    template: str
    template_format: str
    smm: bool = False


def there(descriptions: Iterable[Any], exists: Callable[[str], bool]) -> Iterator[Any]:
    """Those of the descriptions whose files there are: a package of Debian 12 describes some that it does not bring."""
    for one in descriptions:
        found = _described(one)
        if found is not None and exists(found.code) and exists(found.template):
            yield one


def choose(
    descriptions: Iterable[Any], spec: Mapping[str, Any], name: str = "The guest"
) -> Firmware:
    """The first firmware that fits the definition. C(descriptions) are the parsed files, in the order of their names. Raises Refused."""
    target = target_of(spec["emulator"])
    secure = bool(spec.get("secure_boot"))
    machine = _ALIASES.get(spec["machine"], spec["machine"])
    others = set()
    for one in descriptions:
        found = _described(one)
        if found is None:
            continue
        features = set(one.get("features") or ())
        if (_SECURE <= features) if secure else not features & {*_SECURE, "requires-smm"}:
            machines = _machines(one, target)
            if any(fnmatch.fnmatchcase(machine, wanted) for wanted in machines):
                return found
            others.update(machines)
    what = "with Secure Boot and enrolled keys " if secure else ""
    if others:
        raise Refused(
            f"{name} is not started: the UEFI firmware {what}of this host is for {' and '.join(sorted(others))}, and the machine is {spec['machine']}; "
            f"say machine: {'virt' if target in ('aarch64', 'arm') else 'q35'}."
        )
    package = _PACKAGES.get(target)
    cure = f"install it with 'apt-get install {package}'" if package else "leave firmware out"
    raise Refused(
        f"{name} is not started: there is no UEFI firmware {what}for {target} on this host; {cure}."
    )


def check_store(name: str, store: str, has: int, code: str, wants: int) -> None:
    """Raise Refused where a store of variables has another size than the firmware's own, in bytes: it boots with that, and keeps nothing in it."""
    if has != wants:
        raise Refused(
            f"{name} is not started: its variable store {store} has {has} bytes, and that of the firmware {code} {wants}, so it belongs to another "
            "firmware, and this one forgets everything in it; install that again, or let state: absent remove the store."
        )


def target_of(emulator: str) -> str:
    """The processor that an emulator is for, such as x86_64."""
    return emulator.rpartition("-")[2]


def _described(one: Any) -> Firmware | None:
    """What a description says, None where it is of another form: it is a file from outside."""
    try:
        mapping = one["mapping"]
        if "uefi" not in one["interface-types"] or mapping["device"] != "flash":
            return None
        if mapping.get("mode", "split") != "split":
            return None
        code, template = mapping["executable"], mapping["nvram-template"]
        texts = [code["filename"], code["format"], template["filename"], template["format"]]
        smm = "requires-smm" in one["features"]
    except (KeyError, TypeError, AttributeError):
        return None
    return Firmware(*texts, smm) if all(isinstance(text, str) for text in texts) else None


def _machines(one: Mapping[str, Any], target: str) -> list[str]:
    found = []
    for wanted in one.get("targets") or ():
        if isinstance(wanted, Mapping) and wanted.get("architecture") == target:
            found += [
                machine for machine in wanted.get("machines") or () if isinstance(machine, str)
            ]
    return found
