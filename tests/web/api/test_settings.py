"""`/record-types` and `/apps`. What they have in common with `/admins` is in `test_settings_changes`."""

from __future__ import annotations

import pytest

from bot.domain.settings import RecordType
from tests.web.api.conftest import Api

INVOICE = {"label": "Invoice", "links": ["https://erp.example.com/invoices/{id}"], "key": "INV-#"}


async def test_a_new_type_is_in_force_for_the_next_request(any_api: Api) -> None:
    created = await any_api.ask("PUT", "/record-types/invoice", INVOICE)
    assert created.status == 201
    assert created.headers["Location"] == "/api/v1/record-types/invoice"
    assert (await any_api.ask("PUT", "/records/invoice/INV-7", {"title": "x"})).json["url"].endswith("/invoices/INV-7")
    assert (await any_api.ask("GET", "/record-types/invoice")).json == created.json
    names = [item["name"] for item in (await any_api.ask("GET", "/record-types")).json["items"]]
    assert names == ["account", "opportunity", "case", "invoice"]


async def test_a_put_is_the_whole_object_and_what_is_read_can_be_put_back(api: Api) -> None:
    before = (await api.ask("GET", "/record-types/account")).json
    assert (await api.ask("PUT", "/record-types/account", {"label": "Customer"})).json["card_fields"] == []
    assert (await api.ask("PUT", "/record-types/account", before)).status == 200
    assert (await api.ask("GET", "/record-types/account")).json == before


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"enabled": 1, "disclosure": "all", "note_fields": list("abcdef"), "colour": "red"}, 4),
        ({"name": "other"}, 1),
        ({"links": ["https://erp.example.com/x"]}, 1),
        ({"key": "no digits"}, 1),
        ({"label": "a\u0000b"}, 1),
        ({"card_fields": None}, 1),
        ({"watch_fields": ["a", "a"]}, 1),
    ],
)
async def test_what_breaks_a_rule_is_refused_with_every_problem_named(any_api: Api, body: dict, named: int) -> None:
    answer = await any_api.ask("PUT", "/record-types/invoice", body)
    assert answer.status == 422
    assert answer.detail.count(".") >= named
    assert all(
        name in answer.detail for name in ({"key": "key pattern", "links": "link pattern"}.get(n, n) for n in body)
    )
    assert (await any_api.ask("GET", "/record-types/invoice")).status == 404


async def test_a_link_pattern_of_another_type_is_a_conflict(api: Api) -> None:
    answer = await api.ask("PUT", "/record-types/invoice", {"links": ["https://crm.example.com/records/account/{id}"]})
    assert answer.status == 409
    assert "account" in answer.detail


@pytest.mark.parametrize("name", ["Invoice", "1nvoice", "a%00", "x" * 65])
async def test_a_name_that_is_none_is_refused_and_unknown(any_api: Api, name: str) -> None:
    assert (await any_api.ask("PUT", f"/record-types/{name}", {"label": "x"})).status == 422
    assert (await any_api.ask("GET", f"/record-types/{name}")).status == 404


async def test_apps_are_created_replaced_and_listed(any_api: Api) -> None:
    assert (await any_api.ask("GET", "/apps")).json["items"][0]["id"] == "sales-hub"
    guid = "6F9619FF-8B86-D011-B42D-00CF4FC964FF"
    created = await any_api.ask("PUT", f"/apps/%7B{guid}%7D", {"label": "Field service"})
    assert (created.status, created.json["id"]) == (201, guid.lower())
    assert created.headers["Location"] == f"/api/v1/apps/{guid.lower()}"
    assert (await any_api.ask("PUT", f"/apps/{guid}", {"enabled": False})).status == 200
    assert (await any_api.ask("GET", f"/apps/{guid}")).json == {
        "id": guid.lower(),
        "label": guid.lower(),
        "enabled": False,
    }


async def test_an_app_that_breaks_a_rule_is_refused(any_api: Api) -> None:
    assert (await any_api.ask("PUT", "/apps/a%20b", {"label": "x"})).status == 422
    assert (await any_api.ask("PUT", "/apps/crm", {"id": "other"})).status == 422
    assert (await any_api.ask("PUT", "/apps/crm", {"label": "x" * 61})).status == 422
    assert (await any_api.ask("GET", "/apps/a%00b")).status == 404


async def test_a_clash_of_two_types_from_before_keeps_nobody_from_switching_one_off(any_api: Api) -> None:
    clashing = RecordType(name="invoice", label="Invoice", key="A-#")
    await any_api.store.write(lambda tx: tx.put_record_type(clashing))
    known = (await any_api.ask("GET", "/record-types/invoice")).json
    assert (await any_api.ask("PUT", "/record-types/invoice", {**known, "enabled": False})).status == 200
    assert (await any_api.ask("PUT", "/record-types/invoice", {**known, "key": "O-#"})).status == 409
