"""The browser end to end, in Chromium: look, filter, follow a row to its sentence, correct it, see the next run."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

pytest.importorskip("fastapi", reason="the extra web is not installed")
pytest.importorskip("playwright", reason="playwright is not installed")

from playwright.sync_api import Browser, Page, expect, sync_playwright
from web_cases import fill

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (Debian: apt-get install chromium)")

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NEW_PAPER = (
    '{"id": "new-1", "pmid": "900020", "title": "A case", "abstract": "The NTRK1 G595R mutation conferred resistance to larotrectinib."}\n'
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server as a user starts it, and its database."""
    path = fill(tmp_path_factory.mktemp("browser") / "e.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "miner", "serve", "--db", str(path), "--port", str(port)], stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address + "/about")
        yield address, path
    finally:
        process.terminate()
        process.wait(10)


def wait_for(address: str) -> None:
    for _ in range(300):
        try:
            urlopen(address).read()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


@pytest.fixture
def page(browser: Browser, base: tuple[str, Path]) -> Iterator[Page]:
    context = browser.new_context(base_url=base[0], viewport={"width": 1440, "height": 1000})
    made = context.new_page()
    faults: list[str] = []
    made.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    made.on("pageerror", lambda error: faults.append(str(error)))
    yield made
    context.close()
    assert faults == []


def test_from_the_first_page_to_a_correction_that_outlives_a_refresh(page: Page, base: tuple[str, Path], tmp_path: Path) -> None:
    page.goto("/")
    page.fill("#ask", "G595R")
    page.press("#ask", "Enter")
    expect(page.locator("tr.row")).to_have_count(3)
    page.click("aside a:has-text('larotrectinib')")
    expect(page.locator("tr.row")).to_have_count(2)
    page.click("tr.row:has-text('resistance'):not(:has-text('no resistance')) .what a")
    quoted = "".join(page.locator("#paper-900002 .passage .in").all_inner_texts())
    assert quoted == "NTRK1 G595R made cells resistant to larotrectinib."
    page.fill("#paper-900002 input[name=curator]", "Ada")
    page.click("#paper-900002 button:has-text('Accept')")
    expect(page.locator(".notice.done")).to_contain_text("Accepted by Ada")
    source = tmp_path / "new.jsonl"
    source.write_text(NEW_PAPER, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "miner", "-q", "refresh", "--source", str(source), "--db", str(base[1])], check=True, timeout=120)
    page.reload()
    expect(page.locator(".decisions")).to_contain_text("Accepted")
    page.goto("/table?variant=NTRK1+G595R&new_since_run=2")
    expect(page.locator("tr.row")).to_have_count(1)
    expect(page.locator("tr.row")).to_contain_text("NTRK1 G595R")
    page.goto("/runs")
    expect(page.locator("tbody tr").first).to_contain_text("3")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_row_that_was_missed_is_added_by_hand(browser: Browser, base: tuple[str, Path], scripts: bool) -> None:
    context = browser.new_context(base_url=base[0], java_script_enabled=scripts, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto("/paper/900006")
    sentence = "".join(page.locator(".abstract .in").all_inner_texts())
    page.click("#add summary")
    page.fill("#add-sentence", "It is nowhere told.")
    page.select_option("#add-claim_type", "safety")
    page.fill("#add-molecular_profile", "NTRK1 Fusion" if scripts else "NTRK2 Fusion")
    page.fill("#add input[name=curator]", "Ada")
    page.click("#add button")
    expect(page.locator("#add-error")).to_contain_text("does not stand in the record")
    page.fill("#add-sentence", sentence)
    page.click("#add button")
    expect(page.locator(".notice.done")).to_contain_text("Added by Ada")
    assert "".join(page.locator("#paper-900006 .passage .in").all_inner_texts()) == sentence
    assert page.evaluate("document.documentElement.scrollWidth") <= 390 if scripts else True
    context.close()


def test_with_the_keyboard_alone(page: Page) -> None:
    page.goto("/table?sort=order")
    page.keyboard.press("/")
    page.keyboard.type("selitrectinib")
    page.keyboard.press("Enter")
    expect(page.locator("tr.row")).to_have_count(1)
    page.keyboard.press("j")
    expect(page.locator("tr.row.here")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("selitrectinib")
    page.keyboard.press("r")
    page.keyboard.type("Grace")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.locator(".notice.done")).to_contain_text("Rejected by Grace")
    page.keyboard.press("u")
    expect(page.locator(".notice.done")).to_contain_text("Undone")
    page.keyboard.press("b")
    expect(page).to_have_url(re.compile(r"/table\?"))
    expect(page.locator("tr.row")).to_have_count(1)


def test_keys_are_quiet_in_fields_and_can_be_switched_off(page: Page) -> None:
    page.goto("/about")
    page.click("#keys-switch")
    page.goto("/table")
    page.keyboard.press("j")
    expect(page.locator("tr.row.here")).to_have_count(0)
    page.focus("#q")
    page.keyboard.type("jar/u")
    expect(page.locator("#q")).to_have_value("jar/u")


def test_a_row_leads_to_the_next_of_the_list_it_came_from(page: Page) -> None:
    page.goto("/table?drug=larotrectinib&sort=order")
    second = page.locator("tr.row .what a").nth(1).get_attribute("href")
    page.locator("tr.row .what a").first.click()
    page.click("#steps a:has-text('next row')")
    expect(page).to_have_url(re.compile(re.escape(str(second)) + "$"))


def test_an_edit_by_hand(page: Page) -> None:
    page.goto("/table?polarity=hedged")
    page.click("tr.row .what a")
    page.click("details.edit summary")
    page.select_option("select[name=f_polarity]", "asserted")
    page.fill(".fields input[name=curator]", "Ada")
    page.click("button:has-text('Keep the edit')")
    expect(page.locator(".notice.done")).to_contain_text("Edited by Ada")
    expect(page.locator(".machine")).to_contain_text("hedged")


def test_it_works_without_javascript(browser: Browser, base: tuple[str, Path]) -> None:
    context = browser.new_context(base_url=base[0], java_script_enabled=False)
    page = context.new_page()
    page.goto("/table")
    page.click("summary:has-text('Level')")
    page.click("aside details:has(summary:has-text('Level')) a:has-text('D')")
    assert "level=D" in page.url
    page.locator("tr.row .what a").first.click()
    page.fill("input[name=curator] >> nth=0", "Ada")
    page.fill("input[name=comment] >> nth=0", "no script here")
    page.click("button[value=comment] >> nth=0")
    expect(page.locator(".notice.done")).to_contain_text("Comment kept")
    context.close()


WIDE = [
    "/",
    "/table",
    "/summary",
    "/pictures",
    "/entities",
    "/entity/gene/NTRK1",
    "/runs",
    "/runs/2",
    "/changes?since=1",
    "/paper/900001",
    "/about",
]


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_is_wider_than_the_screen(browser: Browser, base: tuple[str, Path], width: int) -> None:
    context = browser.new_context(base_url=base[0], viewport={"width": width, "height": 844})
    page = context.new_page()
    page.goto("/table")
    row = page.locator("tr.row .what a").first.get_attribute("href")
    too_wide = {}
    for address in [*WIDE, str(row)]:
        page.goto(address)
        found = page.evaluate("document.documentElement.scrollWidth")
        too_wide |= {address: found} if found > width else {}
    context.close()
    assert too_wide == {}


RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


@pytest.mark.parametrize(("scheme", "rules", "pages"), [("light", RULES, WIDE), ("dark", ["color-contrast"], WIDE[1:4])])
def test_axe_finds_no_serious_fault(browser: Browser, base: tuple[str, Path], scheme: Any, rules: list[str], pages: list[str]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed").Axe()
    context = browser.new_context(base_url=base[0], color_scheme=scheme, bypass_csp=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto("/table?gene=NTRK1")
    row = page.locator("tr.row .what a").first.get_attribute("href")
    faults = []
    for address in ["/table?gene=NTRK1", *pages, str(row), "/no-such-page"]:
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach((item) => { item.open = true; })")
        found = axe.run(page, options={"runOnly": rules, "resultTypes": ["violations"]}).response["violations"]
        faults += [
            f"{address} {item['id']}: {item['nodes'][0]['html'][:200]}" for item in found if item["impact"] in ("serious", "critical")
        ]
    context.close()
    assert faults == []
