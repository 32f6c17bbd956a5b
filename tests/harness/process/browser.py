# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chromium without a window, asked over its own pipe (the DevTools protocol), so that a page can be looked at, clicked and typed into."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any

_WORDS = (
    "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe", "--no-first-run",
    "--disable-dev-shm-usage", "--disable-background-networking", "about:blank",
)  # fmt: skip
_SECONDS = 60


class Browser:
    """One page of one Chromium, which ends with it. C(folder) holds its profile."""

    def __init__(self, folder: Path) -> None:
        own_read, its_write = os.pipe()
        its_read, own_write = os.pipe()
        # the protocol has it read from 3 and write to 4
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec 3<&{its_read} 4>&{its_write}; exec "$@"', "bash",
             *_WORDS[:-1], f"--user-data-dir={folder}", _WORDS[-1]],
            pass_fds=(its_read, its_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(its_read)
        os.close(its_write)
        self._in, self._out = own_read, own_write
        self._buffer, self._number = b"", 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_unused: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """What a method of the protocol returns; events that come in between are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == self._number:
                assert "error" not in found, found
                return found["result"]
            self.events.append(found)

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + _SECONDS
        while b"\0" not in self._buffer:
            assert select.select([self._in], [], [], max(0.0, end - time.monotonic()))[0], (
                "Chromium says nothing"
            )
            more = os.read(self._in, 1 << 20)
            assert more, "Chromium has ended"
            self._buffer += more
        message, _zero, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def open(self, path: Path, width: int = 1400, height: int = 900) -> float:
        """Load a file, and wait until it is drawn; the processor seconds that took all of Chromium, which don't grow where others are busy."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        before = self._worked()
        loads = self._loads()
        self.call("Page.navigate", url=path.as_uri())
        while self._loads() == loads:
            self.events.append(self._next())
        self.ask("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        # a process that is new worked for this page alone
        return sum(spent - before.get(one, 0.0) for one, spent in self._worked().items())

    def _worked(self) -> dict[int, float]:
        """The processor seconds of each of Chromium's processes, by its number."""
        page, self._session = self._session, None
        try:
            found = self.call("SystemInfo.getProcessInfo")["processInfo"]
        finally:
            self._session = page
        return {one["id"]: one["cpuTime"] for one in found}

    def _loads(self) -> int:
        return sum(event.get("method") == "Page.loadEventFired" for event in self.events)

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """A key: a character, or a name such as ArrowDown."""
        text = {"text": key} if len(key) == 1 else {"text": "\r"} if key == "Enter" else {}
        code = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}  # fmt: skip
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind, key=key, windowsVirtualKeyCode=code.get(key, ord(key[0].upper())),
                **(text if kind == "keyDown" else {}),
            )  # fmt: skip

    def emulate(self, media: str = "screen", scheme: str = "light") -> None:
        """The screen or the printer, and what the user likes better."""
        self.call(
            "Emulation.setEmulatedMedia",
            media=media,
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def requests(self) -> list[str]:
        """Every address that the page has asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """What the console shows as an error, breaches of the page's policy among them."""
        found = []
        for event in self.events:
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(str(event["params"]["exceptionDetails"]))
            if (
                event.get("method") == "Log.entryAdded"
                and event["params"]["entry"]["level"] == "error"
            ):
                found.append(str(event["params"]["entry"]))
        return found

    def picture(self, path: Path) -> None:
        """What is seen now, as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))
