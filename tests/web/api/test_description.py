"""`/openapi.json`: it describes what is there, its examples work, and schemathesis finds no difference."""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from jsonschema import Draft202012Validator, FormatChecker

from bot.web.api import PREFIX, ROUTES, add_api, streams
from bot.web.api.route import Route, routes_of
from cards import render
from tests.web.api.conftest import TOKEN, Api

SETTINGS = Path(__file__).with_name("schemathesis.toml")
CHATS = ("19:5f0c@thread.v2", "19:meeting_1@thread.v2")
RECORDS = [f"/records/{name}/S-{number}" for name in ("account", "opportunity", "case") for number in range(1, 9)]
ENDLESS = {route.name for route in routes_of(streams)}
"""Operations whose answers never end. `test_streams` asks for them; here whoever did would wait for ever."""
OF_ADMINISTRATORS = ("/record-types", "/apps", "/admins", "/audit/")
"""Where the operations are that an administrator's own token is good for, too."""


async def _document(api: Api) -> dict[str, Any]:
    answer = await api.ask("GET", "/openapi.json", Authorization="")
    assert answer.status == 200
    return answer.json


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _check(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Whether the value is as a schema of the document says; its references lead into the document."""
    whole = {**schema, "components": document["components"]}
    Draft202012Validator(whole, format_checker=FormatChecker()).validate(value)


async def test_it_needs_no_token_and_describes_exactly_the_routes_there_are(api: Api) -> None:
    app = web.Application()
    add_api(app, store=api.store, following=api.following, bearer="", render=render)
    routes = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    document = await _document(api)
    assert {(method, PREFIX + path) for method, path, _ in _operations(document)} == routes
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": PREFIX}]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_argument_of_a_route_is_read_from_somewhere_and_may_be_left_out_unless_it_is_in_the_path(
    route: Route,
) -> None:
    call, *others = inspect.signature(route.function).parameters.values()
    assert call.name == "call"
    assert {item.name for item in others} == {*route.places, *route.query, *route.sent} | (
        {"body"} if route.body else set()
    )
    required = {item.name for item in others if item.default is inspect.Parameter.empty}
    assert required - {"body"} == set(route.places)
    assert set(re.findall(r"\{(\w+)\}", route.path)) == {
        name for place in route.places.values() for name in place.parts
    }


async def test_every_operation_says_who_may_what_it_does_and_how_it_fails(api: Api) -> None:
    names = set()
    document = await _document(api)
    for method, path, operation in _operations(document):
        names.add(operation["operationId"])
        statuses = set(operation["responses"])
        tokens = [name for item in operation.get("security", document["security"]) for name in item]
        public = not tokens
        assert public == (path == "/openapi.json")
        assert ("administrator" in tokens) == path.startswith(OF_ADMINISTRATORS)
        assert public or "bearer" in tokens
        assert {"400", "503"} <= statuses
        assert public or {"401", "403"} <= statuses
        assert ("requestBody" in operation) == (method in ("PUT", "POST") and not path.endswith("/replay"))
        assert {"413", "415", "422"} <= statuses or "requestBody" not in operation
        assert "404" in statuses or method == "PUT" or not re.search(r"\{\w+\}", path)
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]
    assert len(names) == len(ROUTES) + 1


async def test_the_schemas_are_schemas_and_every_example_is_as_its_schema_says(api: Api) -> None:
    document = await _document(api)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    examples = 0
    for _, _, operation in _operations(document):
        places = [operation.get("requestBody", {}), *operation["responses"].values()]
        for media in [media for place in places for media in place.get("content", {}).values()]:
            if "example" in media:
                _check(document, media["schema"], media["example"])
                examples += 1
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                _check(document, parameter["schema"], parameter["example"])
    assert examples > 20


async def test_the_examples_work(api: Api) -> None:
    """Sent in this order, each example is accepted, and the answer is as its schema says."""
    document = await _document(api)
    await api.enter(CHATS[0])
    given: dict[str, str] = {}  # ids that the server chose
    by_name = {operation["operationId"]: (method, path, operation) for method, path, operation in _operations(document)}
    first = ["putApp", "putRecordType", "putRecord", "connectChat", "addNote", "createWebhook"]
    last = ["disconnectChat", "deleteRecord", "deleteWebhook"]
    between = [name for name in by_name if name not in (*first, *last, *ENDLESS)]
    for name in (*first, *between, *last):
        method, path, operation = by_name[name]
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                example = given.get(parameter["name"], parameter["example"])
                path = path.replace(f"{{{parameter['name']}}}", example.replace("@", "%40"))
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
        answer = await api.ask(method, path, body)
        assert answer.status in (200, 201, 204), (name, answer)
        response = operation["responses"][str(answer.status)]
        assert all(header in answer.headers for header in response.get("headers", ())), name
        if name == "createWebhook":
            given["webhook"] = answer.json["id"]
        if answer.json is not None:
            _check(document, response["content"]["application/json"]["schema"], answer.json)


async def test_the_limits_of_settings_are_those_the_domain_keeps(api: Api) -> None:
    """The schemas of settings are written by hand: up to each limit the domain takes what they allow, and no more."""
    schema = (await _document(api))["components"]["schemas"]["RecordTypeBody"]["properties"]
    for name, member in schema.items():
        if member.get("type") != "array" or name in ("links", "apps"):
            continue
        most, longest = member["maxItems"], member["items"]["maxLength"]
        for count, length, status in (
            (most, longest, (200, 201)),
            (most + 1, longest, (422,)),
            (most, longest + 1, (422,)),
        ):
            values = [f"{number:0{length}}" for number in range(count)]
            assert (await api.ask("PUT", "/record-types/limits", {name: values})).status in status, (
                name,
                count,
                length,
            )
    for name in ("label", "chat_title"):
        longest = schema[name]["maxLength"]
        assert (await api.ask("PUT", "/record-types/limits", {name: "x" * longest})).status == 200
        assert (await api.ask("PUT", "/record-types/limits", {name: "x" * (longest + 1)})).status == 422
    links = [f"https://erp.example.com/{number}/{{id}}" for number in range(schema["links"]["maxItems"] + 1)]
    assert (await api.ask("PUT", "/record-types/limits", {"links": links[1:]})).status == 200
    assert (await api.ask("PUT", "/record-types/limits", {"links": links})).status == 422
    apps = [f"app-{number}" for number in range(schema["apps"]["maxItems"] + 1)]
    assert (await api.ask("PUT", "/record-types/limits", {"apps": apps[1:]})).status == 200
    assert (await api.ask("PUT", "/record-types/limits", {"apps": apps})).status == 422


@pytest.mark.long
async def test_schemathesis_finds_no_difference_between_description_and_program(api: Api, tmp_path: Path) -> None:
    """All checks, positive and negative data, by examples, by coverage of the schemas, by chance and in sequences."""
    for chat in CHATS:
        await api.enter(chat)
    for record in RECORDS:
        await api.ask("PUT", record, {"title": "Sample", "access": {"*": "read"}})
        await api.ask("POST", f"{record}/chats", {"chat": CHATS[0]})
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(SETTINGS), "run"]
    command += [f"{api.base}/api/v1/openapi.json", "--header", f"Authorization: Bearer {TOKEN}", "--checks", "all"]
    command += ["--max-examples", "25", "--seed", "1", "--no-color", "--continue-on-failure"]
    run = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(600):
            output, _ = await run.communicate()
    finally:
        if run.returncode is None:
            run.kill()
            await run.wait()
    report = output.decode(errors="replace")
    assert run.returncode == 0, report
    assert re.search(rf"Tested: {len(ROUTES) - len(ENDLESS)}\b", report), report
    print(report)  # shown with `pytest -s`: how many cases, and what schemathesis warns of
