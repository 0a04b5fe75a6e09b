"""The pages of a run as a person sees them, in a headless Chromium."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest
from browser import INSTALL, SWITCH, browser, executable

PAGES = ("readiness.html", "report.html", "log.html")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.mark.parametrize("name", PAGES)
def test_a_page_complains_about_nothing_and_asks_nobody(eventful, page, name):
    page.open(eventful.folder / name)
    page.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.errors == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []


def test_the_verdict_is_the_first_thing_one_sees(eventful, page):
    page.resize(1280, 900)
    page.open(eventful.folder / "readiness.html")
    facts = page.value(
        "(() => { const h = document.querySelector('#verdict h1'), r = h.getBoundingClientRect();"
        " const rule = document.querySelector('#verdict .rule').getBoundingClientRect();"
        " const sizes = [...document.querySelectorAll('main *')].map(e => parseFloat(getComputedStyle(e).fontSize));"
        " return {text: h.innerText, top: r.top, rule: rule.bottom, size: parseFloat(getComputedStyle(h).fontSize),"
        " largest: Math.max(...sizes), seen: document.elementFromPoint(r.left + 9, r.top + 9) === h}; })()"
    )
    assert facts["text"] == "NOT READY"
    assert facts["seen"]
    assert facts["size"] == facts["largest"]
    assert 0 < facts["top"] < facts["rule"] < 450


@pytest.mark.parametrize("name", ["report.html", "log.html"])
def test_robots_own_pages_carry_the_verdict_in_their_header(eventful, page, name):
    page.open(eventful.folder / name)
    visible = "document.body.innerText"
    assert "NOT READY" in page.value(visible)
    assert "2 scenarios are without a verdict: Dies, Never reached" in page.value(visible)
    assert page.value(
        "[...document.querySelectorAll('a')].some(a => a.getAttribute('href') === 'readiness.html')"
    )


def test_robots_report_is_red_for_scenarios_that_were_lost(eventful, page):
    page.open(eventful.folder / "report.html", "#totals?all")
    text = page.value("document.body.innerText")
    assert "NO VERDICT" in text
    assert "Never reached" in text


def test_every_link_of_the_readiness_page_is_alive(eventful, page):
    page.open(eventful.folder / "readiness.html")
    links = page.value("[...document.querySelectorAll('a[href]')].map(a => a.href)")
    assert len(links) > 20
    for link in links:
        address = urlparse(link)
        assert address.scheme == "file", link
        assert Path(unquote(address.path)).is_file(), link
    inside = page.value("[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href'))")
    assert [one for one in inside if not page.value(f"!!document.querySelector('{one}')")] == []


def test_a_scenario_link_opens_its_place_in_robots_log(eventful, page):
    page.open(eventful.folder / "readiness.html")
    link = page.value(
        "[...document.querySelectorAll('.scenarios a')].find(a => a.innerText === 'Loses some').href"
    )
    page.open(Path(unquote(urlparse(link).path)), f"#{urlparse(link).fragment}")
    place = f"document.getElementById('{urlparse(link).fragment}')"
    assert page.value(f"{place}.innerText.includes('Loses some') && {place}.offsetHeight > 0")
    assert page.errors == []


def test_the_picture_of_a_finding_is_drawn(eventful, page):
    page.open(eventful.folder / "readiness.html")
    assert page.value("document.querySelector('.timeline svg').getBoundingClientRect().height") > 50


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 420])
def test_nothing_runs_over_the_edge(eventful, page, width, scheme):
    page.resize(width, 900, scheme)
    page.open(eventful.folder / "readiness.html")
    assert page.value("document.documentElement.scrollWidth <= window.innerWidth")


def test_text_can_be_read_on_its_ground_in_both_schemes(eventful, page):
    for scheme in ("light", "dark"):
        page.resize(1280, 900, scheme)
        page.open(eventful.folder / "readiness.html")
        assert page.value(CONTRAST) >= 4.5, scheme


def test_the_page_of_several_servers_shows_every_verdict_in_words(side_by_side, page):
    page.resize(1280, 900)
    page.open(side_by_side.folder / "readiness.html")
    table = page.value("document.querySelector('.compare').innerText")
    assert {"PROVEN", "BROKEN", "WAIVED"} <= set(table.split())
    assert page.value(
        "[...document.querySelectorAll('.compare thead th')].map(e => e.innerText.split('\\n')[0])"
    ) == [
        "Guarantee",
        "nobody",
        "somebody",
    ]
    assert page.errors == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []


def test_every_link_of_the_page_of_several_servers_is_alive(side_by_side, page):
    page.open(side_by_side.folder / "readiness.html")
    links = page.value("[...document.querySelectorAll('a[href]')].map(a => a.href)")
    assert len(links) > 15
    for link in links:
        address = urlparse(link)
        assert address.scheme == "file", link
        assert Path(unquote(address.path)).is_file(), link
    dead = "[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href').slice(1))"
    assert page.value(f"{dead}.filter(id => !document.getElementById(id))") == []


def test_a_verdict_in_the_matrix_leads_to_the_servers_row(side_by_side, page):
    page.open(side_by_side.folder / "readiness.html")
    page.value(
        "[...document.querySelectorAll('.compare td a')].find(a => a.innerText.includes('BROKEN')).click()"
    )
    row = "document.querySelector('tr:target')"
    assert "BROKEN" in page.value(f"{row}.innerText")
    assert page.value(f"{row}.id") == "somebody-DEL-1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_matrix_scrolls_in_its_box_and_the_page_does_not(side_by_side, page, width, scheme):
    page.resize(width, 900, scheme)
    page.open(side_by_side.folder / "readiness.html")
    assert page.value("document.documentElement.scrollWidth <= window.innerWidth")
    box = page.value(
        "(() => { const b = document.querySelector('.scroll'); b.scrollLeft = 9999;"
        " const head = b.querySelector('tbody th[scope=row]').getBoundingClientRect();"
        " return {inner: b.scrollWidth, outer: b.clientWidth, edge: head.left - b.getBoundingClientRect().left}; })()"
    )
    assert (box["inner"] > box["outer"]) == (width == 390)
    assert box["edge"] <= 1, "the names of the guarantees stay in sight"
    assert page.value(CONTRAST) >= 4.5


def test_without_chromium_the_test_fails_with_the_command_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(SWITCH, raising=False)
    with pytest.raises(pytest.fail.Exception, match=INSTALL):
        executable()
    monkeypatch.setenv(SWITCH, "1")
    with pytest.raises(pytest.skip.Exception):
        executable()
    assert os.environ["PATH"] == str(tmp_path)


CONTRAST = """(() => {
  const channel = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const ground = e => { for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    } return [255, 255, 255]; };
  const texts = [...document.querySelectorAll('main *')].filter(e => !e.closest('svg') &&
    [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()));
  return Math.min(...texts.map(e => { const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }));
})()"""
