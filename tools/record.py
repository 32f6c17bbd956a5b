# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command in a terminal of its own, and keep what it shows: a film, and a picture of all of it.

C(record.py NAME COMMAND [ARGUMENT...]) writes NAME.cast (asciicast v2, which C(asciinema play) shows in its own time) and NAME.svg. Its exit status is
the command's. C(make demo RECORD=NAME) calls it.
"""

from __future__ import annotations

import codecs
import importlib.util
import io
import json
import os
import pty
import re
import shlex
import sys
import time
from pathlib import Path

COLUMNS, LINES = 120, 40
_FONTS = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)

Shown = list[tuple[float, str]]


def shown_by(command: list[str]) -> tuple[int, Shown]:
    """The exit status of a command, and what it showed: seconds since its start, and text. It is shown here too."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    found: Shown = []
    begin = time.monotonic()

    def read(terminal: int) -> bytes:
        data = os.read(terminal, 65536)
        found.append((time.monotonic() - begin, decoder.decode(data)))
        return data

    sized = ["sh", "-c", f'stty columns {COLUMNS} rows {LINES}; exec "$@"', "sh", *command]
    return os.waitstatus_to_exitcode(pty.spawn(sized, read)), found


def film(found: Shown, title: str) -> str:
    """As asciinema has it: a header, and a line for each event."""
    header = {"version": 2, "width": COLUMNS, "height": LINES, "title": title}
    events = [[round(seconds, 6), "o", text] for seconds, text in found]
    return "".join(f"{json.dumps(line)}\n" for line in (header, *events))


def picture(found: Shown, title: str) -> str:
    """The whole of it as SVG, with the reader's own fonts: nothing is asked of the network."""
    from rich._export_format import CONSOLE_SVG_FORMAT
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    lines = "".join(text for _seconds, text in found).replace("\r\n", "\n")
    console.print(Text.from_ansi(lines))
    return console.export_svg(title=title, code_format=_FONTS.sub("", CONSOLE_SVG_FORMAT))


def main(words: list[str]) -> int:
    if len(words) < 2:
        print("Give the name of the two files, and the command to record.", file=sys.stderr)
        return 2
    if importlib.util.find_spec("rich") is None:  # before a command that takes minutes
        print("The picture wants the Python library rich; record without CORE.", file=sys.stderr)
        return 2
    name, *command = words
    title = shlex.join(command)
    status, found = shown_by(command)
    Path(f"{name}.cast").write_text(film(found, title), encoding="utf-8")
    Path(f"{name}.svg").write_text(picture(found, title), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
