"""Links are parsed by a strict grammar, never fetched, and built from the pattern alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.catalogue import Catalogue
from bot.domain.links import Link, canonical_id, compile_key, compile_pattern
from bot.domain.records import RecordId
from bot.domain.settings import App, RecordType
from bot.errors import Unprocessable

GUID = "4f2b8c1e-0a3d-4e5f-9b6a-7c8d9e0f1a2b"
DYNAMICS = "https://org.crm4.dynamics.com/main.aspx?etn=account&id={id}"

CATALOGUE = Catalogue(
    types=[
        RecordType(
            name="account",
            label="Account",
            links=("https://crm.example.com/records/account/{id}", DYNAMICS),
            key="A-#",
        ),
        RecordType(name="ticket", label="Ticket", links=("http://localhost:8080/t/{id}/view",), key="IT#-#"),
    ],
    apps=[App(id="sales-hub", label="Sales Hub")],
)


def account(record_id: str, app: str | None = None) -> Link:
    return Link(RecordId("account", record_id), app)


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("https://crm.example.com/records/account/A-1001", account("A-1001")),
        ("  https://crm.example.com/records/account/A-1001\n", account("A-1001")),
        ("https://crm.example.com/records/account/A-1001/", account("A-1001")),
        ("https://crm.example.com/records/account/A-1001#notes", account("A-1001")),
        ("https://crm.example.com/records/account/A-1001?tab=2&x", account("A-1001")),
        ("HTTPS://CRM.Example.COM/records/account/A-1001", account("A-1001")),
        ("https://crm.example.com:443/records/account/A-1001", account("A-1001")),
        ("https://crm.example.com/records/account/A%2D1001", account("A-1001")),
        ("https://crm.example.com/records/account/A-1001?appid=sales-hub", account("A-1001", "sales-hub")),
        (f"https://org.crm4.dynamics.com/main.aspx?etn=account&id={GUID}", account(GUID)),
        (f"https://org.crm4.dynamics.com/main.aspx?id={GUID}&pagetype=entityrecord&etn=account", account(GUID)),
        (f"https://org.crm4.dynamics.com/main.aspx?etn=account&id={{{GUID.upper()}}}", account(GUID)),
        (f"https://org.crm4.dynamics.com/main.aspx?etn=account&id=%7B{GUID}%7D", account(GUID)),
        (f"https://org.crm4.dynamics.com/main.aspx?etn=account&amp;id={GUID}", account(GUID)),
        (
            f"https://org.crm4.dynamics.com/main.aspx?appid={{{GUID.upper()}}}&etn=account&id={GUID}",
            account(GUID, GUID),
        ),
        ("http://localhost:8080/t/7/view", Link(RecordId("ticket", "7"))),
    ],
)
def test_a_record_link_is_recognised_in_every_usual_form(text: str, link: Link) -> None:
    assert CATALOGUE.links.find(text) == link


HOSTILE = [
    "",
    "A-1001",
    "crm.example.com/records/account/A-1001",
    "//crm.example.com/records/account/A-1001",
    "http://crm.example.com/records/account/A-1001",
    "ftp://crm.example.com/records/account/A-1001",
    "javascript:https://crm.example.com/records/account/A-1001",
    "https://crm.example.com:8443/records/account/A-1001",
    "https://crm.example.com:0443/records/account/A-1001",
    "https://crm.example.com:/records/account/A-1001",
    "https://crm.example.com./records/account/A-1001",
    "https://crm.example.com.evil.test/records/account/A-1001",
    "https://evilcrm.example.com/records/account/A-1001",
    "https://user@crm.example.com/records/account/A-1001",
    "https://crm.example.com@evil.test/records/account/A-1001",
    "https://evil.test#@crm.example.com/records/account/A-1001",
    "https://evil.test\\@crm.example.com/records/account/A-1001",
    "https://crm.example.com\\records\\account\\A-1001",
    "https://сrm.example.com/records/account/A-1001",  # Cyrillic es
    "https://xn--rm-7ka.example.com/records/account/A-1001",
    "https://crm。example。com/records/account/A-1001",
    "https://crm.example.com/records/account/A-1001%00",
    "https://crm.example.com/records/account/%0d%0aA-1001",
    "https://crm.example.com/records/account/A-10\u202e01",
    "https://crm.example.com/records/account/A 1001",
    "https://crm.example.com/records/account/",
    "https://crm.example.com/records/account/.",
    "https://crm.example.com/records/account/..",
    "https://crm.example.com/records/account/%2e%2e",
    "https://crm.example.com/records/account/A%2F1001",
    "https://crm.example.com/records/account/A-1001/edit",
    "https://crm.example.com//records/account/A-1001",
    "https://crm.example.com/records/x/../account/A-1001",
    "https://crm.example.com/Records/account/A-1001",
    "https://crm.example.com/records/account/<script>",
    "https://crm.example.com/records/account/A-1001%zz",
    "https://crm.example.com/records/account/" + "A" * 300_000,
    "https://" + "a." * 150_000 + "com/",
    "https://crm.example.com/records/account/A-1001?appid=a&appid=b",
    "https://crm.example.com/records/account/A-1001?appid=",
    f"https://org.crm4.dynamics.com/main.aspx?etn=account&id={GUID}&id=other",
    f"https://org.crm4.dynamics.com/main.aspx?etn=contact&id={GUID}",
    "https://org.crm4.dynamics.com/main.aspx?etn=account",
    "https://2130706433/records/account/A-1001",
    "https://[::1]/records/account/A-1001",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:60])
def test_a_hostile_or_other_link_names_no_record(text: str) -> None:
    assert CATALOGUE.links.find(text) is None


def test_a_huge_text_is_refused_in_no_time() -> None:
    """Whatever takes the square of its length would take hours."""
    started = time.perf_counter()
    for character in ("a", "/", "?a&", "%41", "{", "@", ":", "."):
        CATALOGUE.links.find("https://crm.example.com/" + character * 300_000)
        CATALOGUE.links.find(character * 300_000)
    assert time.perf_counter() - started < 10


@given(st.text(max_size=200))
def test_any_text_is_parsed_without_an_exception(text: str) -> None:
    CATALOGUE.reference(text)
    CATALOGUE.links.find("https://crm.example.com/records/account/" + text)


@given(st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._~:@!$()*+,;=-]{0,60}[A-Za-z0-9_]", fullmatch=True))
def test_a_built_link_leads_back_to_its_record(record_id: str) -> None:
    record = RecordId("account", canonical_id(record_id) or "")
    for pattern in CATALOGUE.types["account"].links:
        built = compile_pattern("account", pattern).build(record.id)
        assert CATALOGUE.links.find(built) == Link(record)


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("account/A-1001", RecordId("account", "A-1001")),
        ("Account/A-1001", RecordId("account", "A-1001")),
        ("A-1001", RecordId("account", "A-1001")),
        ("a-1001", RecordId("account", "A-1001")),
        ("it7-42", RecordId("ticket", "IT7-42")),
        (f"account/{{{GUID.upper()}}}", RecordId("account", GUID)),
    ],
)
def test_keys_and_type_slash_id_name_records(text: str, record: RecordId) -> None:
    assert CATALOGUE.reference(text) == Link(record)


@pytest.mark.parametrize("text", ["A-", "A-x", "A-١٢", "B-1", "unknown/1", "account/", "account/a b", "A-" + "1" * 21])
def test_other_words_name_no_record(text: str) -> None:
    assert CATALOGUE.reference(text) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "crm.example.com/{id}",
        "https://crm.example.com/records",
        "https://crm.example.com/{id}/{id}",
        "https://crm.example.com/case-{id}",
        "https://crm.example.com/x?id={id}&id=2",
        "https://{id}.example.com/x",
        "https://u:p@crm.example.com/{id}",
        "https://crm.example.com/#{id}",
        "https://*.example.com/{id}",
    ],
)
def test_a_pattern_that_could_mislead_is_refused_with_the_remedy(pattern: str) -> None:
    with pytest.raises(Unprocessable, match=r"link pattern .*(\{id\}|https://|twice)"):
        compile_pattern("account", pattern)


@pytest.mark.parametrize("key", ["", "A-", "##", "A-##", "#" * 70, "A #", "A/#", "#-#-#-#-#"])
def test_a_key_pattern_that_means_nothing_is_refused(key: str) -> None:
    with pytest.raises(Unprocessable, match="key pattern"):
        compile_key("account", key)
