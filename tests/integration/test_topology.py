# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture as those see it who look at it: Graphviz, Chromium, and the playbook that draws it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ansible_collections.hypervisor.network.plugins.filter.topology import topology
from ansible_collections.hypervisor.network.tests.conftest import needs_root
from ansible_collections.hypervisor.network.tests.harness.model import pictured
from ansible_collections.hypervisor.network.tests.harness.net.netns import batch, run
from ansible_collections.hypervisor.network.tests.harness.process.browser import Browser

PLAYBOOK = Path(__file__).resolve().parents[2] / "playbooks" / "topology.yml"
SVG = "{http://www.w3.org/2000/svg}"
# by how many pixels the line at each chip of a way misses the edge of what it leads to, or that this is not where the line goes
MISSES = """
[...document.querySelectorAll('.way .several .chip')].map((chip) => {
  const [wide, high] = ['width', 'height'].map((one) => parseFloat(getComputedStyle(chip, '::after')[one]));
  let part = chip;
  while (!part.nextElementSibling || part.parentElement.matches('.several')) part = part.parentElement;
  const [at, row, to] = [chip, part, part.nextElementSibling].map((one) => one.getBoundingClientRect());
  const across = wide > high ? to.top < row.bottom && to.bottom > row.top : to.left <= at.left && to.right >= at.right;
  const missed = wide > high ? at.right + wide - to.left : at.bottom + high - to.top;
  return [chip.innerText, across ? Math.round(Math.abs(missed)) : 'elsewhere'];
}).filter(([, missed]) => missed !== 0)
"""
TILES = "[...document.querySelectorAll('main .tile')].filter((one) => one.checkVisibility())"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page of each fleet."""
    folder = tmp_path_factory.mktemp("pages")
    fleets = {
        "small": pictured.fleet(2, 9),
        "large": pictured.fleet(50, 40),
        "hostile": pictured.hostile(),
        "wired": pictured.wired(),
        "ill": pictured.ill(),
        "many": pictured.many(),
    }
    for name, fleet in fleets.items():
        (folder / f"{name}.html").write_text(topology(fleet, "html"), encoding="utf-8")
    return folder


@pytest.mark.parametrize("fleet", [pictured.fleet(2, 9), pictured.hostile()])
def test_graphviz_draws_every_host_and_guest_with_its_own_name(fleet: dict) -> None:
    drawn = ElementTree.fromstring(topology(fleet, "svg"))
    texts = {one.text for one in drawn.iter(f"{SVG}text")}
    guests = {one["name"] for host in fleet.values() for one in _guests(host)}
    plain = {name for name in [*fleet, *guests] if name.isprintable()}
    assert plain and {text.replace("\xa0", " ") for text in texts if text} >= plain
    assert not [one for one in drawn.iter() if one.tag in (f"{SVG}script", f"{SVG}a")]


def _guests(host: dict) -> list[dict]:
    found = host.get("guests", [])
    return found["guests"] if isinstance(found, dict) else found


def test_names_are_text_on_the_page_and_nothing_of_them_runs(browser: Browser, pages: Path) -> None:
    browser.open(pages / "hostile.html")
    shown = browser.ask("[...document.querySelectorAll('.tile bdi')].map((one) => one.textContent)")
    plain = [name for name in pictured.HOSTILE if name.isprintable()]
    assert set(plain) <= set(shown) and "\\u202egnp.exe" in shown
    heard = browser.ask("document.querySelector('.chip .heard').textContent")
    assert heard == "⇄ <script>alert(1)</script> \\u202egnp.exe (line\\x0aend; h0n0 --> h0n1)"
    assert browser.ask("document.querySelectorAll('img, main script').length") == 0
    browser.ask("document.querySelector('main .tile').click()")
    words = browser.ask("document.querySelector('dialog').innerText")
    assert "alias" in words.lower() or "Held by" in words
    assert browser.complaints() == []


def test_a_guests_way_shows_the_doctors_evidence_as_text(browser: Browser, pages: Path) -> None:
    browser.open(pages / "hostile.html")
    browser.ask(
        "[...document.querySelectorAll('main .tile')].find((one) => one.innerText.includes('<script>')).click()"
    )
    told = browser.ask("document.querySelector('dialog .evidence').innerText")
    assert f"{pictured.HOSTILE[2]}: {pictured.HOSTILE[4]}" in told and "\\u202e" in told
    cure = browser.ask("document.querySelector('dialog .cure').textContent")
    assert cure.startswith("- <script>alert(1)</script>: ") and cure.isascii()
    assert browser.ask("document.querySelectorAll('dialog img, dialog script').length") == 0


def test_no_request_leaves_the_page(browser: Browser, pages: Path) -> None:
    browser.events.clear()
    browser.open(pages / "small.html")
    assert browser.requests() == [(pages / "small.html").as_uri()]
    # and none could: its own policy forbids it
    assert (
        browser.ask("fetch('http://192.0.2.1/').then(() => 'sent', () => 'refused')") == "refused"
    )
    assert any("Content Security Policy" in one for one in browser.complaints())
    browser.events.clear()


def test_a_fleet_of_2000_guests_is_drawn_in_two_processor_seconds_and_in_2_mib(
    browser: Browser, pages: Path
) -> None:
    browser.open(
        pages / "small.html"
    )  # what a browser does once, with its first page, is no part of it
    assert browser.open(pages / "large.html") < 2
    assert (pages / "large.html").stat().st_size < 2 << 20
    assert browser.ask("document.querySelectorAll('.tile').length") > 2000


def test_a_search_leaves_what_it_names(browser: Browser, pages: Path) -> None:
    browser.open(pages / "large.html")
    browser.press("/")
    for character in "vm0412":
        browser.press(character)
    assert browser.ask(f"{TILES}.map((one) => one.querySelector('bdi').textContent)") == ["vm0412"]
    assert "1 of 20" in browser.ask("document.querySelector('.told').textContent")


@pytest.mark.parametrize("words", ["52:00:00:00:00:05", "10.15.0.7", "tap5"])
def test_a_guest_is_found_by_its_mac_its_address_and_its_tap(
    browser: Browser, pages: Path, words: str
) -> None:
    browser.open(pages / "small.html")
    browser.ask(
        f"(search => {{ search.value = '{words}'; search.dispatchEvent(new Event('input')); }})"
        "(document.querySelector('input'))"
    )
    assert "vm0005" in browser.ask(f"{TILES}.map((one) => one.innerText).join()")


def test_a_tenant_and_a_vlan_filter(browser: Browser, pages: Path) -> None:
    browser.open(pages / "small.html")
    browser.ask(
        "[...document.querySelectorAll('.tenant')].find((one) => one.innerText.includes('red')).click()"
    )
    assert (
        browser.ask(f"{TILES}.map((one) => one.title).filter((one) => !one.includes('tenant red'))")
        == []
    )
    assert browser.ask(f"{TILES}.length") == 3
    browser.ask(
        "[...document.querySelectorAll('.tenant')].find((one) => one.innerText.includes('red')).click()"
    )
    browser.ask(
        "(one => { one.value = '12'; one.dispatchEvent(new Event('change')); })(document.querySelector('select'))"
    )
    assert (
        browser.ask(f"{TILES}.map((one) => one.title).filter((one) => !one.includes('VLAN 12'))")
        == []
    )


def test_only_what_is_wrong_can_be_shown(browser: Browser, pages: Path) -> None:
    browser.open(pages / "small.html")
    browser.ask(
        "[...document.querySelectorAll('.tenant')].find((one) => one.innerText.startsWith('Only')).click()"
    )
    names = browser.ask(f"{TILES}.map((one) => one.querySelector('bdi').textContent)")
    assert {"vm0204", "vm0206", "vm0207", "vm0208"} <= set(names)


def test_it_is_used_by_keyboard(browser: Browser, pages: Path) -> None:
    browser.open(pages / "small.html")
    browser.ask("document.querySelector('main .tile').focus()")
    focused = "document.activeElement.innerText.trim()"
    browser.press("ArrowRight")
    assert "vm0001" in browser.ask(focused)
    browser.press("Enter")
    assert browser.ask("document.querySelector('dialog').open")
    assert "vm0001" in browser.ask("document.querySelector('dialog h2').innerText")
    browser.press("Escape")
    assert not browser.ask("document.querySelector('dialog').open")
    assert "vm0001" in browser.ask(focused), "the focus is where it was"
    browser.press("Tab")
    assert "vm0002" not in browser.ask(focused), "a group of guests is one stop"


def test_a_guests_details_go_from_it_to_the_wire(browser: Browser, pages: Path) -> None:
    browser.open(pages / "small.html")
    browser.ask("document.querySelector('main .tile').click()")
    steps = browser.ask(
        "[...document.querySelectorAll('.step strong')].map((one) => one.textContent)"
    )
    assert steps == ["vm0000", "tap0", "br0", "bond0", "eth0", "eth1"]


@pytest.mark.parametrize("part", ["eth0", "bond0", "br0", "tap0", "vm0000"])
def test_a_finding_on_any_part_of_the_way_is_in_the_guests_details(
    browser: Browser, pages: Path, part: str
) -> None:
    browser.open(pages / "ill.html")
    browser.ask("document.querySelector('main .tile').click()")
    told = browser.ask(
        "[...document.querySelectorAll('.step')].map((one) => [one.querySelector('strong').textContent, "
        "[...one.querySelectorAll('.findings li')].map((found) => [found.className, found.innerText])])"
    )
    severity = "error" if part in ("tap0", "br0") else "warning"
    words = f"{severity}: Something is wrong with {part}.\nseen: {part}"
    if severity == "error":
        words += f"\n- hypervisor.network.bridge_port: {{name: {part}, up: true}}"
    assert dict(told)[part] == [[severity, words]]
    assert dict(told)["eth1"] == []


def test_a_hosts_details_list_all_that_it_has_and_lead_to_each(
    browser: Browser, pages: Path
) -> None:
    browser.open(pages / "ill.html")
    browser.ask("document.querySelector('.card .name').click()")
    assert browser.ask("document.querySelector('dialog h2').innerText") == "hv1.example.com"
    rows = browser.ask(
        "[...document.querySelectorAll('dialog tbody tr')].map((row) => "
        "[...row.cells].map((cell) => cell.innerText.trim().replace(/\\s+/g, ' ')))"
    )
    assert ["bond", "bond0", "up 1 finding", "eth0 eth1"] in rows
    assert ["tap", "■ tap0", "up 1 finding", "br0 VLAN 10"] in rows
    assert ["guest", "■ vm0000", "running 1 finding", "tap0 52:00:00:00:00:00"] in rows
    assert [row[0] for row in rows] == ["NIC"] * 2 + ["bond"] + ["bridge"] * 2 + ["tap"] * 9 + ["guest"] * 9  # fmt: skip
    browser.ask(
        "[...document.querySelectorAll('dialog .link')].find((one) => one.innerText.includes('tap3')).click()"
    )
    assert "tap3" in browser.ask("document.querySelector('dialog h2').innerText")
    assert browser.complaints() == []


def test_the_details_of_a_host_that_did_not_answer_say_so(browser: Browser, pages: Path) -> None:
    browser.open(pages / "small.html")
    browser.ask("[...document.querySelectorAll('.card .name')].at(-1).click()")
    said = browser.ask("document.querySelector('dialog').innerText")
    assert "No route to host" in said and "vm0400" in said and "unknown" in said


@pytest.mark.parametrize(
    ("name", "style", "sign"),
    [("vm0206", "dashed", "−"), ("vm0208", "double", "+"), ("vm0200", "solid", None)],
)
def test_a_missing_tile_is_dashed_and_a_surplus_one_has_a_double_line(
    browser: Browser, pages: Path, name: str, style: str, sign: str | None
) -> None:
    browser.open(pages / "small.html")
    tile = f"{TILES}.find((one) => one.querySelector('bdi').textContent === '{name}')"
    assert browser.ask(f"getComputedStyle({tile}).borderStyle") == style
    assert browser.ask(f"{tile}.querySelector('.flag')?.textContent") == sign


@pytest.mark.parametrize(("width", "height"), [(390, 800), (1400, 900)])
@pytest.mark.parametrize("name", ["small", "hostile", "wired", "ill"])
def test_every_line_ends_at_what_it_leads_to(
    browser: Browser, pages: Path, name: str, width: int, height: int
) -> None:
    browser.open(pages / f"{name}.html", width, height)
    assert browser.ask("document.querySelectorAll('.way .several .chip').length") > 0
    assert browser.ask(MISSES) == []
    wider = "[...document.querySelectorAll('.way')].filter((one) => one.scrollWidth > one.clientWidth + 1).length"
    assert browser.ask(wider) == 0


def test_a_name_on_the_way_is_broken_only_where_there_is_no_room(
    browser: Browser, pages: Path
) -> None:
    names = "[...document.querySelectorAll('.way .chip > bdi')].map((one) => [one.textContent, one.offsetHeight])"
    browser.open(pages / "wired.html", 1400)
    assert [name for name, height in browser.ask(names) if height > 25] == []
    browser.open(pages / "small.html", 390)
    assert [name for name, height in browser.ask(names) if height > 25] == []


def test_marks_leave_room_for_what_a_neighbour_says(browser: Browser, pages: Path) -> None:
    """Findings on every part of the way: its words had been cut to pieces of five letters."""
    browser.open(pages / "ill.html")
    widths = "[...document.querySelectorAll('.way .chip .heard')].map((one) => one.closest('.chip').offsetWidth)"
    found = browser.ask(widths)
    assert found and min(found) > 120


@pytest.mark.parametrize(("width", "height"), [(390, 800), (1400, 900)])
def test_guests_whose_names_differ_at_the_end_are_told_apart(
    browser: Browser, pages: Path, width: int, height: int
) -> None:
    browser.open(pages / "many.html", width, height)
    cut = "[...document.querySelectorAll('.tile bdi')].filter((one) => one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1)"
    assert browser.ask(f"{cut}.map((one) => one.textContent)") == []


def test_a_hundred_tenants_leave_room_for_hosts_and_for_what_the_keyboard_comes_to(
    browser: Browser, pages: Path
) -> None:
    browser.open(pages / "many.html")
    head = "document.querySelector('.top').getBoundingClientRect().bottom"
    assert browser.ask(head) < 300
    browser.ask("document.querySelector('main .tile').focus()")
    browser.press("End")
    hidden = 0
    for _row in range(80):
        browser.press("ArrowUp")
        hidden += browser.ask(f"document.activeElement.getBoundingClientRect().top < {head}")
    assert "001" in browser.ask("document.activeElement.innerText") and hidden == 0


def test_a_search_that_finds_nothing_says_so(browser: Browser, pages: Path) -> None:
    browser.open(pages / "small.html")
    shown = "document.querySelector('.empty').checkVisibility()"
    assert not browser.ask(shown)
    for key in "/zzz":
        browser.press(key)
    assert browser.ask(shown)


def test_every_sign_is_in_the_font_that_debians_fontconfig_comes_with() -> None:
    signs = {f"{ord(one):x}" for one in topology({}, "html") if not one.isascii()}
    with_it = {one: run("fc-list", f":charset={one}", "family") for one in signs}
    assert signs and [one for one in signs if "DejaVu Sans" not in with_it[one].split("\n")] == []


def test_a_free_tap_has_a_sign_that_is_drawn_and_no_character(
    browser: Browser, pages: Path
) -> None:
    browser.open(pages / "small.html")
    sign = "document.querySelector('.tile.tap .sign')"
    assert browser.ask(f"{sign}.textContent") == ""
    assert browser.ask(f"parseFloat(getComputedStyle({sign}, '::before').width)") > 5


@pytest.mark.parametrize(("width", "height"), [(390, 800), (1400, 900)])
@pytest.mark.parametrize("name", ["small", "hostile", "wired"])
def test_nothing_is_wider_than_the_screen(
    browser: Browser, pages: Path, name: str, width: int, height: int
) -> None:
    browser.open(pages / f"{name}.html", width, height)
    assert browser.ask("document.documentElement.scrollWidth") <= width
    browser.ask("document.querySelector('main :is(.tile, .chip)').click()")
    assert browser.ask("document.querySelector('dialog').scrollWidth") <= width


def test_dark_is_dark_and_paper_is_white(browser: Browser, pages: Path) -> None:
    browser.open(pages / "small.html")
    ground = "getComputedStyle(document.querySelector('.card')).backgroundColor"
    light = browser.ask(ground)
    browser.emulate(scheme="dark")
    dark = browser.ask(ground)
    browser.emulate(media="print", scheme="dark")
    assert light == "rgb(255, 255, 255)" == browser.ask(ground) and dark != light
    assert not browser.ask("document.querySelector('input').checkVisibility()")
    browser.emulate()


def test_the_playbook_draws_what_is_there_what_should_be_and_who_does_not_answer(
    netns: str, tmp_path: Path
) -> None:
    needs_root()
    batch(
        netns,
        "link add br0 up type bridge\nlink add port0 up master br0 type veth peer name far0\nlink set far0 up\n",
    )
    hosts = {
        "here": {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "bridge_host_bridges": [{"name": "br0"}, {"name": "br-missing"}],
        },
        "gone": {"ansible_host": "192.0.2.1", "ansible_ssh_common_args": "-oProxyCommand=false"},
    }
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"hypervisors": {"hosts": hosts}}), encoding="utf-8")
    folder = tmp_path / "drawn"
    folder.mkdir()
    formats = ["html", "svg", "mermaid", "dot"]
    words = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        "-i",
        str(inventory),
        str(PLAYBOOK),
    ]
    done = subprocess.run(
        ["ip", "netns", "exec", netns, *words, "-e", json.dumps({"topology_formats": formats})],
        cwd=folder, env={**os.environ, "PWD": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    text = (folder / "topology.mmd").read_text(encoding="utf-8")
    assert '"br0 (bridge)"' in text and '"port0 (port)"' in text
    assert '"br-missing (bridge)<br/>missing"' in text and '"gone<br/>It did not answer: ' in text
    assert {path.suffix for path in folder.iterdir()} == {".html", ".svg", ".mmd", ".dot"}
