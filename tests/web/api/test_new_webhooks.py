"""What a webhook may be: which addresses, which secrets, which filters (T17, T18)."""

from __future__ import annotations

from typing import Any

import pytest

from bot.features.webhooks import MAX_URL
from tests.web.api.conftest import Api
from tests.web.api.test_webhooks import URL, create, secret_of


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://hooks.example.com/",
        "https://hooks.example.com:8443/a/b?c=d&e=%20",
        "https://HOOKS.example.com/",
        "https://xn--bcher-kva.example/",
        "https://a_b.example.com/",
        "https://hooks/",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]:443/",
        "https://0x7f.example.com/",
        "https://1.example/",
        "https://hooks.example.com/" + "x" * (MAX_URL - 26),
    ],
)
async def test_https_to_the_public_internet_is_taken(api: Api, url: str) -> None:
    assert (await create(api, url=url))["url"] == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "//hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "http://hooks.example.com/",
        "http://127.0.0.1/",
        "http://localhost:8000/",
        "https://",
        "https:///path",
        "https://:443/",
        "https://user@hooks.example.com/",
        "https://user:secret@hooks.example.com/",
        "https://8.8.8.8@127.0.0.1/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:65536/",
        "https://hooks.example.com:08/",
        "https://hooks.example.com:/",
        "https://hooks.example.com./",
        "https://hooks..example.com/",
        "https://-hooks.example.com/",
        "https://%68ooks.example.com/",
        "https://hööks.example.com/",
        "https://hooks.example.com/ä",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/%zz",
        "https://hooks.example.com/\r\nX-Evil: 1",
        "https://hooks.example.com/\x00",
        " https://hooks.example.com/",
        "https://hooks.example.com/\n",
        "https://localhost/",
        "https://LocalHost:8443/",
        "https://a.localhost/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://0/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://hooks.0x7f/",
        "https://0177.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/",
        "https://8.8.8.8.8/",
        "https://[::1]/",
        "https://[::ffff:8.8.8.8]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00::1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[8.8.8.8]/",
        "https://[::1/",
        "https://" + "x" * 64 + ".example.com/",
        "https://" + "x." * 126 + "example/",
        "https://hooks.example.com/" + "x" * (MAX_URL - 25),
    ],
)
async def test_whatever_else_an_address_may_be_is_refused(api: Api, url: str) -> None:
    answer = await api.ask("POST", "/webhooks", {"url": url})
    assert answer.status == 422
    assert answer.detail.startswith("url ")
    assert (await api.ask("GET", "/webhooks")).json == {"items": []}


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://127.0.0.1:8000/hook", 201),
        ("http://localhost:8000/hook", 201),
        ("http://[::1]:8000/", 201),
        ("https://hooks.example.com/", 201),
        ("http://hooks.example.com/", 422),
        ("http://10.0.0.1/", 422),
        ("http://0.0.0.0/", 422),
        ("http://127.0.0.1.example.com/", 422),
        ("http://[::ffff:127.0.0.1]/", 422),
        ("https://127.0.0.1/", 422),
    ],
)
async def test_the_demo_also_takes_http_to_this_machine(demo_api: Api, url: str, status: int) -> None:
    assert (await demo_api.ask("POST", "/webhooks", {"url": url})).status == status


@pytest.mark.parametrize("length", [24, 32, 64])
async def test_a_secret_may_be_given(api: Api, length: int) -> None:
    assert (await create(api, secret=secret_of(length)))["secret"] == secret_of(length)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        secret_of(23),
        secret_of(65),
        secret_of(32).removeprefix("whsec_"),
        secret_of(32).rstrip("="),
        secret_of(32) + "=",
        secret_of(32)[:-2] + "h=",  # bits that belong to no byte
        secret_of(32).replace("A", "-"),
        secret_of(32) + "\n",
        "whsec_" + "ä" * 44,
        "whsec_whsec_" + secret_of(32)[6:],
    ],
)
async def test_what_is_no_secret_is_refused(api: Api, secret: str) -> None:
    answer = await api.ask("POST", "/webhooks", {"url": URL, "secret": secret})
    assert answer.status == 422
    assert "secret must be whsec_ and 24 to 64" in answer.detail
    assert secret not in answer.detail or secret in ("", "whsec_")
    made = await create(api)
    assert (await api.ask("POST", f"/webhooks/{made['id']}/secret", {"secret": secret})).status == 422


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, ["url is missing"]),
        ({"url": 7}, ["url must be text"]),
        ({"url": None}, ["url must be text"]),
        ({"url": URL, "types": "note.added"}, ["types must be a list"]),
        ({"url": URL, "types": ["note.written"]}, ["types.0 must be", "'note.added'"]),
        ({"url": URL, "types": [1]}, ["types.0"]),
        ({"url": URL, "record_types": ["invoice"]}, ["'invoice'", "account, opportunity, case"]),
        ({"url": URL, "record_types": ["a\x00b"]}, ["record_types"]),
        ({"url": URL, "uri": URL}, ["uri is not known here"]),
        ({"url": "x", "record_types": ["x"], "secret": "x"}, ["url ", "secret ", "record_types "]),
    ],
)
async def test_every_problem_of_a_webhook_is_named(any_api: Api, body: Any, named: list[str]) -> None:
    answer = await any_api.ask("POST", "/webhooks", body)
    assert answer.status == 422
    assert [word for word in named if word not in answer.detail] == []
