# SPDX-License-Identifier: GPL-3.0-or-later
"""PURE. The seed that cloud-init finds its configuration in: what may be asked of it, and what is in its files (the data source NoCloud).

A definition holds no secret: of user_data it has a fingerprint, and the text itself is in the seed only. What is a mapping is written as
JSON, which YAML contains.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any, Mapping

from ansible_collections.hypervisor.network.plugins.module_utils._core.errors import BadInput

SPEC: dict[str, dict[str, Any]] = {
    "user_data": {"type": "str", "no_log": True},
    "meta_data": {"type": "dict"},
    "network_config": {"type": "dict"},
}
_INSTANCE = "instance-id"
# What cloud-init knows user data by, whatever the case (cloudinit/handlers/__init__.py, user_data.py); anything else it passes over
_BEGINNINGS = (
    "#cloud-config", "#!", "#include", "#part-handler", "#cloud-boothook", "#upstart-job", "## template: jinja", "content-type:",
    "mime-version:",
)  # fmt: skip
# What a reader of YAML refuses raw, in a string of JSON too, and the two halves of a character that JSON would write apart
_UNREADABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


@dataclass(frozen=True)
class Seed:
    """The files of a seed by name. They may hold secrets, so no representation shows them."""

    files: Mapping[str, str] = field(repr=False)


def checked(asked: Mapping[str, Any]) -> tuple[dict[str, Any] | None, Seed | None]:
    """What a guest's definition says of its seed, and the seed; both None where nothing is asked for any more, as by {}. Raises BadInput."""
    user_data, meta_data = asked.get("user_data"), asked.get("meta_data")
    network = asked.get("network_config")
    if user_data is None and meta_data is None and network is None:
        return None, None
    if user_data is not None and not user_data.lstrip().lower().startswith(_BEGINNINGS):
        raise BadInput(
            "cloud_init.user_data begins with none of the lines that cloud-init knows it by, so it would be passed over; begin it with #cloud-config or #!."
        )
    if network is not None:
        network = _without_words_for_default(network)
        if (network.get("network") or network).get("version") not in (1, 2):
            raise BadInput(
                "cloud_init.network_config has no version that cloud-init knows; say version: 2 in it, or version: 1."
            )
    said: dict[str, Any] = {
        "user_data": None if user_data is None else f"sha256:{_digest(user_data)}",
        "network_config": network,
    }
    said["meta_data"] = _named(dict(meta_data or {}), said)
    files = {
        "user-data": "#cloud-config\n{}\n" if user_data is None else user_data,
        "meta-data": _yaml(said["meta_data"]),
    }
    if network is not None:
        files["network-config"] = _yaml(network)
    return said, Seed(files)


def fingerprint(said: Mapping[str, Any]) -> str:
    """What tells the seed of one definition from that of another."""
    return _digest(json.dumps(said, sort_keys=True))


def ignored(now: Mapping[str, Any] | None, wanted: Mapping[str, Any] | None) -> str | None:
    """The instance-id by which a guest would pass over a changed seed, None where there is none: cloud-init acts once for each instance."""
    if now is None or wanted is None or now == wanted:
        return None
    known = now["meta_data"][_INSTANCE]
    return known if wanted["meta_data"][_INSTANCE] == known else None


def _named(meta_data: dict[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
    """The meta data with an instance-id: the one that is given, or one made of all that is in the seed, so that a changed seed is another instance."""
    given = meta_data.get(_INSTANCE)
    if given is None:
        meta_data[_INSTANCE] = f"iid-{fingerprint({**rest, 'meta_data': meta_data})[:16]}"
    elif not isinstance(given, str) or not given.strip():
        raise BadInput(
            f"cloud_init.meta_data has the {_INSTANCE} {given!r}, which is no text; write a word, or leave it out."
        )
    return meta_data


def _without_words_for_default(value: Any) -> Any:
    """Routes C(to: default) as numbers: cloud-init 22.4 of Debian 12 fails on the word, and the guest has neither network nor users then."""
    if isinstance(value, Mapping):
        found = {key: _without_words_for_default(one) for key, one in value.items()}
        if found.get("to") == "default":
            found["to"] = "::/0" if ":" in str(found.get("via", "")) else "0.0.0.0/0"
        return found
    if isinstance(value, list):
        return [_without_words_for_default(one) for one in value]
    return value


def _yaml(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
    return _UNREADABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", text) + "\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
