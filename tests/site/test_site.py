# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built site in Chromium: each page on a phone, in light and in dark. The check docs-site builds it, and says where it is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

from ansible_collections.hypervisor.network.tests.harness.process.browser import Browser

SITE = Path(os.environ.get("HYPERVISOR_NETWORK_SITE", "/nonexistent"))
PHONE = 390
SCHEMES = ("light", "dark")
# What is read of a page: where it leads, what it can be led to, its pictures that are none, and what scrolls sideways
LOOK = """({
  links: [...document.querySelectorAll('a[href]')].map((one) => one.href),
  ids: [...document.querySelectorAll('[id]')].map((one) => one.id),
  broken: [...document.images].filter((one) => !one.complete || !one.naturalWidth).map((one) => one.src),
  // the whole page lies in a box that scrolls; so do code and a table, in boxes of their own, which may
  sideways: [...document.querySelectorAll('*')].filter((one) => !one.matches('pre, .table-wrapper') && one.scrollWidth > one.clientWidth + 1
    && (one === document.documentElement || ['auto', 'scroll'].includes(getComputedStyle(one).overflowX)))
    .map((one) => `${one.tagName}.${one.className}`),
})"""
# Text that stands out less from what is behind it than WCAG 2 asks (level AA)
FAINT = """(() => {
  const numbers = (color) => (color.match(/[\\d.]+/g) || []).map(Number);
  const bright = (color) => {
    const [r, g, b] = numbers(color).map((one) => one / 255)
      .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor, parts = numbers(color);
      if (parts.length === 3 || parts[3] === 1) return color;
    }
    return getComputedStyle(document.body).colorScheme === 'dark' ? 'rgb(0,0,0)' : 'rgb(255,255,255)';
  };
  const found = new Set();
  for (const element of document.querySelectorAll('article *')) {
    const own = [...element.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data).join('').trim();
    if (!own || !element.checkVisibility({opacityProperty: true, visibilityProperty: true}) || numbers(getComputedStyle(element).color)[3] === 0) continue;
    const style = getComputedStyle(element);
    const [less, more] = [bright(style.color), bright(behind(element))].sort((a, b) => a - b);
    const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
    if ((more + 0.05) / (less + 0.05) < (large ? 3 : 4.5))
      found.add(`${element.tagName}.${element.className}: ${style.color} on ${behind(element)}`);
  }
  return [...found];
})()"""


class Page(NamedTuple):
    """What Chromium found in a page, and said of it."""

    look: dict[str, Any]
    faint: dict[str, list[str]]
    complaints: list[str]
    requests: list[str]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Page]]:
    if not (SITE / "index.html").exists():
        pytest.skip("there is no site: tools/env test nox --no-venv -s docs-site builds it")
    if shutil.which("chromium") is None:
        pytest.skip("there is no Chromium: tools/env test brings it")
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield {str(path.relative_to(SITE)): _look(browser, path) for path in _files()}


def _files() -> list[Path]:
    return [path for path in sorted(SITE.rglob("*.html")) if "_static" not in path.parts]


def _look(browser: Browser, path: Path) -> Page:
    browser.events.clear()
    browser.emulate(scheme="light")
    browser.open(path, width=PHONE)
    look, faint = browser.ask(LOOK), {"light": browser.ask(FAINT)}
    browser.emulate(scheme="dark")
    faint["dark"] = browser.ask(FAINT)
    return Page(look, faint, browser.complaints(), browser.requests())


def test_every_guide_and_module_has_a_page(pages: dict[str, Page]) -> None:
    assert {"index.html", "docsite/first_host.html", "linux_bridge_module.html"} <= set(pages)


def test_no_page_makes_the_console_complain(pages: dict[str, Page]) -> None:
    assert {name: one.complaints for name, one in pages.items() if one.complaints} == {}


def test_no_page_asks_anybody_else_for_anything(pages: dict[str, Page]) -> None:
    asked = {url for one in pages.values() for url in one.requests}
    assert [url for url in asked if urlsplit(url).scheme not in ("file", "data", "blob")] == []


def test_every_link_of_the_site_leads_somewhere_and_every_picture_is_seen(
    pages: dict[str, Page],
) -> None:
    ids = {SITE / name: set(one.look["ids"]) for name, one in pages.items()}
    wrong = []
    for name, one in pages.items():
        wrong += [(name, url) for url in one.look["broken"]]
        wrong += [(name, url) for url in one.look["links"] if not _leads(url, ids)]
    assert wrong == []


def _leads(url: str, ids: dict[Path, set[str]]) -> bool:
    parts = urlsplit(url)
    if parts.scheme != "file":
        return parts.scheme in ("http", "https", "mailto")
    path, mark = Path(unquote(parts.path)), unquote(parts.fragment)
    return path.is_file() and (not mark or path not in ids or mark in ids[path])


def test_no_page_scrolls_sideways_on_a_phone(pages: dict[str, Page]) -> None:
    assert {name: one.look["sideways"] for name, one in pages.items() if one.look["sideways"]} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_text_stands_out_from_what_is_behind_it(pages: dict[str, Page], scheme: str) -> None:
    assert {name: one.faint[scheme] for name, one in pages.items() if one.faint[scheme]} == {}


def test_what_leads_nowhere_is_seen() -> None:
    here = Path(__file__)
    ids = {here: {"there"}}
    assert _leads(f"{here.as_uri()}#there", ids)
    assert not _leads(f"{here.as_uri()}#gone", ids)
    assert not _leads(f"{here.as_uri()}x", ids)
    assert not _leads("javascript:void(0)", ids)
