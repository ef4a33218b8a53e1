"""The browser is safe: nothing runs that a record says, nobody else writes, nothing leaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra web is not installed")

from lxml import html
from web_cases import ATTRIBUTE, SCRIPT, Client, client, fill, row_of

from miner.config import Settings
from miner.errors import ConfigError
from miner.web import links, security
from miner.web.server import listen, run


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    yield client(fill(tmp_path_factory.mktemp("web") / "e.db"))


ADDRESSES = (
    "/",
    "/table",
    "/table?q=script",
    "/summary",
    "/pictures",
    "/runs/2",
    "/changes?since=1",
    "/paper/900004",
    "/entity/gene/NTRK1",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_page_holds_script_or_style_of_its_own(here: Client, address: str) -> None:
    page = html.fromstring(here.get(address).text)
    assert [script.get("src", "").partition("?")[0] for script in page.xpath("//script")] == ["/static/miner.js"]
    assert page.xpath("//style | //@style | //@*[starts-with(name(), 'on')] | //a[starts-with(@href, 'javascript')]") == []
    assert [value for value in page.xpath("//img/@src | //link/@href | //script/@src | //form/@action") if not value.startswith("/")] == []


def test_a_title_that_is_a_script_is_shown_as_text(here: Client) -> None:
    for address in ("/paper/900004", f"/row/{row_of(here, claim_type='driver_role')}"):
        page = html.fromstring(here.get(address).text)
        assert SCRIPT in page.text_content()
        assert page.xpath("//img | //*[@onmouseover]") == []


def test_markup_in_a_search_is_shown_as_text(here: Client) -> None:
    page = html.fromstring(here.get("/table", params={"q": ATTRIBUTE, "gene": SCRIPT[:100]}).text)
    assert page.xpath("//input[@id='q']/@value") == [ATTRIBUTE]
    assert page.xpath("//*[@onmouseover] | //script[not(@src)]") == []


def test_markup_in_a_feed_and_in_a_comment_is_text(tmp_path: Path) -> None:
    own = client(fill(tmp_path / "e.db"))
    assert "<script>" not in own.get("/feed.atom?claim_type=driver_role").text
    address = f"/row/{row_of(own, claim_type='driver_role')}"
    assert own.decide(address, "comment", curator="Eve <b>", comment=SCRIPT).status_code == 303
    page = html.fromstring(own.get(address).text)
    assert page.xpath("//p[@class='comment']/text()") == [SCRIPT]
    assert "Eve <b>" in page.text_content()


def test_every_answer_carries_the_headers(here: Client) -> None:
    for address in ("/", "/no", "/table?sort=x", "/api/rows", "/static/miner.css", "/feed.atom"):
        headers = here.get(address).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; script-src 'self'")
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1:8470", 200), ("localhost", 200), ("[::1]:80", 200), ("evil.example", 400), ("127.0.0.1.evil.example", 400), ("", 400)],
)
def test_only_names_of_this_machine_are_answered(here: Client, host: str, status: int) -> None:
    assert here.get("/table", headers={"Host": host}).status_code == status


def test_a_further_name_can_be_allowed(tmp_path: Path) -> None:
    own = client(fill(tmp_path / "e.db"), hosts=("evidence.lab.org",))
    assert own.get("/about", headers={"Host": "evidence.lab.org"}).status_code == 200


def test_sizes_are_limited(here: Client) -> None:
    assert here.get("/table?q=" + "x" * 7000).status_code == 414
    assert here.post("/curate", content=b"x" * 70_000).status_code == 413
    assert here.post("/curate", content=iter([b"x"])).status_code == 411


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                                     {"Referer": "https://evil.example/127.0.0.1"}])  # fmt: skip
def test_a_write_from_another_site_is_refused(here: Client, headers: dict[str, str]) -> None:
    fields = here.fields(f"/row/{row_of(here, drug='selitrectinib')}", "accept") | {"action": "accept", "curator": "Eve"}
    assert here.post("/curate", data=fields, headers=headers).status_code == 403
    assert here.get("/api/curations").json() == []


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_write_needs_the_token_of_its_session(here: Client, token: str) -> None:
    fields = here.fields(f"/row/{row_of(here, drug='selitrectinib')}", "accept") | {"action": "accept", "curator": "Eve", "token": token}
    assert here.post("/curate", data=fields).status_code == 403
    assert here.get("/api/curations").json() == []


def test_a_token_of_another_session_does_not_fit(here: Client) -> None:
    fields = here.fields(f"/row/{row_of(here, drug='selitrectinib')}", "accept") | {"action": "accept", "curator": "Eve"}
    other = Client(here.app, base_url="http://127.0.0.1")
    assert other.post("/curate", data=fields).status_code == 403
    other.get("/about")
    assert other.post("/curate", data=fields).status_code == 403


def test_a_form_of_another_kind_is_refused(here: Client) -> None:
    assert here.post("/curate", json={"action": "accept"}).status_code == 403
    assert here.post("/curate", data={f"x{number}": "1" for number in range(100)}).status_code == 403


def test_a_read_only_copy_offers_and_takes_no_write(tmp_path: Path) -> None:
    path = fill(tmp_path / "e.db")
    own, other = client(path, read_only=True), client(path)
    address = f"/row/{row_of(own, drug='selitrectinib')}"
    page = own.get(address)
    assert (html.fromstring(page.text).xpath("//form[@method='post']"), page.headers.get("set-cookie")) == ([], None)
    assert own.get("/api/session").json() == {"read_only": True, "curator": "", "token": None}
    fields = other.fields(address, "accept") | {"action": "accept", "curator": "Eve"}
    assert own.post("/curate", data=fields).status_code == 403
    assert own.post("/api/curations", json={"curator": "Eve", "action": "accept"}).status_code == 403


def test_a_bug_shows_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from miner.evidence import store_web

    own = client(fill(tmp_path / "e.db"))

    def broken(*_: Any) -> None:
        raise RuntimeError("secret of the program")

    monkeypatch.setattr(store_web, "names", broken)
    for address in ("/entities", "/api/entities"):
        answer = own.get(address)
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text
        assert answer.headers["x-frame-options"] == "DENY"


def test_a_database_that_is_gone_is_told(tmp_path: Path) -> None:
    path = fill(tmp_path / "e.db")
    own = client(path)
    path.rename(tmp_path / "away.db")
    assert own.get("/table").status_code == 503
    (tmp_path / "away.db").rename(path)
    assert own.get("/table").status_code == 200


@pytest.mark.parametrize(
    ("address", "expected"),
    [("/row/x?done=1", True), ("//evil.example", False), ("https://evil.example", False), ("/\\evil.example", False), ("row", False),
     ("/a\r\nSet-Cookie: x=1", False)],
)  # fmt: skip
def test_only_addresses_of_this_server_are_led_back_to(address: str, expected: bool) -> None:
    assert links.is_local(address) is expected


def test_naming_the_curator_leads_back_to_own_pages_only(tmp_path: Path) -> None:
    own = client(fill(tmp_path / "e.db"))
    page = html.fromstring(own.get("/curator?next=//evil.example").text)
    assert page.xpath("//input[@name='next']/@value") == ["/"]
    (token,) = page.xpath("//input[@name='token']/@value")
    answer = own.post("/curator", data={"token": token, "next": "//evil.example", "curator": "Ada"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_names_of_curators_are_one_line() -> None:
    assert security.clean_name(" Ada\r\nLovelace\x00 " + "x" * 200) == "Ada Lovelace " + "x" * 67


def test_it_does_not_listen_to_other_machines_without_a_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--allow-host"):
        run(Settings(db=fill(tmp_path / "e.db")), host="0.0.0.0")


def test_a_port_that_is_taken_is_told() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(ConfigError, match="--port"):
        listen("127.0.0.1", taken.getsockname()[1])
