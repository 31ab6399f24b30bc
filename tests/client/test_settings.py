"""The settings in the real client: an administrator changes them on a card, and what is shown follows at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator

from tests.client.playground import ALEX, MEGAN, Json, Said
from tests.client.stage import ACCOUNT, Stage
from tests.client.window import Window
from tests.world import buttons, texts

OUTPUT = Path(__file__).parents[1] / "output"
NAME_ONLY = "The record's name and an Open button"
TYPE_ONLY = "The kind of record and an Open button"
FIELDS = "The record's name and chosen fields"
SAVED = "✓ Saved. In force from now on."
UNSAVED = "Nothing was saved."

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _chats(stage: Stage, window: Window) -> None:
    """The page has opened the chats, so the bot knows them."""


async def form_of(window: Window, name: str) -> Locator:
    """The form of a record type, asked for in the personal chat."""
    await window.choose("Personal Chat")
    await window.write(f"settings {name}")
    form = window.card(f"Settings of {name.title()}")
    await form.wait_for()
    return form


def setting(form: Locator, name: str) -> Locator:
    """The input of a setting: a text or a list."""
    return form.get_by_role("textbox", name=f"({name})").or_(form.get_by_role("combobox", name=f"({name})"))


async def told(form: Locator, words: str) -> str:
    """What a form says, once it says `words`."""
    await form.get_by_text(words).first.wait_for()
    return await form.inner_text()


async def audit(stage: Stage, what: str) -> Json:
    """The latest entry of an audit trail."""
    return (await stage.api("GET", f"/audit/{what}?order=desc&limit=1"))["items"][0]


# By hand, in the page -------------------------------------------------------------------------------------------------


async def test_what_an_administrator_changes_by_hand_the_next_pasted_link_obeys(stage, window) -> None:
    """Pictures of each card are kept in `tests/output`."""
    OUTPUT.mkdir(exist_ok=True)
    async with stage.settings("account") as before:
        await window.choose("Personal Chat")
        await window.write("settings")
        overview = window.card("What do you want to change?")
        await overview.wait_for()
        (OUTPUT / "settings-overview.png").write_bytes(await window.picture())
        await window.pick("Account", of="What do you want to change?", on=overview)
        await window.press("Change", on=overview)

        form = window.card("Settings of Account")
        await window.pick(TYPE_ONLY, of="(disclosure)", on=form)
        await window.pick(NAME_ONLY, of="(disclosure_external)", on=form)
        await form.get_by_label("(owner_may_disconnect)").uncheck()
        await setting(form, "note_fields").fill("Status, City")
        await window.press("Save", on=form)
        said = await told(form, SAVED)
        assert "disclosure: fields → type" in said
        assert "owner_may_disconnect: on → off" in said
        assert await setting(form, "note_fields").input_value() == "Status\nCity"
        (OUTPUT / "settings-saved.png").write_bytes(await window.picture())
        now = await stage.api("GET", "/record-types/account")
        assert now == before | {
            "disclosure": "type",
            "disclosure_external": "name",
            "owner_may_disconnect": False,
            "note_fields": ["Status", "City"],
        }
        change = await audit(stage, "settings")
        assert (change["via"], change["by"]["name"], change["after"]) == ("chat", "Alex Wilber", now)

        await window.choose("Contoso renewal")
        await window.paste(ACCOUNT)
        assert "Contoso Ltd" not in await window.card("Details are not shown in this chat").inner_text()

        await window.choose("Personal Chat")
        await window.pick(FIELDS, of="(disclosure)", on=form)
        await window.press("Save", on=form)
        await told(form, "disclosure: type → fields")
        await window.choose("Contoso renewal")
        await window.paste(ACCOUNT)
        await window.card("Contoso Ltd").wait_for()


async def test_what_cannot_be_saved_is_explained_and_what_was_entered_stands_there_to_be_corrected(
    stage, window
) -> None:
    async with stage.settings("opportunity") as before:
        form = await form_of(window, "opportunity")
        await setting(form, "note_fields").fill("A\nB\nC\nD\nE\nF")
        await setting(form, "links").fill("https://crm.example.com/records/{id")
        await window.pick("Nobody", of="(connect)", on=form)
        await form.get_by_label("(note)").uncheck()
        await window.press("Save", on=form)
        said = await told(form, UNSAVED)
        assert "note_fields must be a list of at most 5 texts" in said
        assert "The link pattern 'https://crm.example.com/records/{id' must have {id} exactly once" in said
        assert await setting(form, "note_fields").input_value() == "A\nB\nC\nD\nE\nF"
        assert await setting(form, "links").input_value() == "https://crm.example.com/records/{id"
        assert await setting(form, "connect").input_value() == "Nobody"
        assert not await form.get_by_label("(note)").is_checked()
        assert await stage.api("GET", "/record-types/opportunity") == before

        await setting(form, "note_fields").fill("Stage")
        await setting(form, "links").fill(before["links"][0])
        await window.press("Save", on=form)
        await told(form, SAVED)
        assert await stage.api("GET", "/record-types/opportunity") == before | {"connect": "nobody", "note": False}


async def test_settings_that_somebody_else_changed_meanwhile_are_not_overwritten(stage, window) -> None:
    async with stage.settings("case") as before:
        form = await form_of(window, "case")
        actor = {"id": MEGAN.aad, "name": MEGAN.name}
        await stage.api("PUT", "/record-types/case", before | {"card_fields": ["Status"], "actor": actor})
        await setting(form, "label").fill("Support case")
        await window.press("Save", on=form)
        said = await told(form, "Megan Bowen changed these settings after your card was made, so nothing was saved.")
        assert "label: Case → Support case" in said
        hers = before | {"card_fields": ["Status"]}
        assert await stage.api("GET", "/record-types/case") == hers
        assert await setting(form, "card_fields").input_value() == "Status"
        assert await setting(form, "label").input_value() == "Support case"

        await window.press("Save", on=form)
        await told(window.card("Settings of Support case"), SAVED)
        assert await stage.api("GET", "/record-types/case") == hers | {"label": "Support case"}


async def test_reload_shows_what_is_in_force_instead_of_what_was_entered(stage, window) -> None:
    form = window.card("Settings of Sales Hub")
    await window.choose("Personal Chat")
    await window.write("settings sales-hub")
    await setting(form, "label").fill("Another hub")
    await form.get_by_label("(enabled)").uncheck()
    await stage.api("PUT", "/apps/sales-hub", {"id": "sales-hub", "label": "Sales Centre", "enabled": True})
    try:
        await window.press("Reload", on=form)
        form = window.card("Settings of Sales Centre")
        await form.wait_for()
        assert await setting(form, "label").input_value() == "Sales Centre"
        assert await form.get_by_label("(enabled)").is_checked()
    finally:
        await stage.api("PUT", "/apps/sales-hub", {"id": "sales-hub", "label": "Sales Hub", "enabled": True})


# Everybody, by the client's REST --------------------------------------------------------------------------------------


async def form_in_group(stage: Stage) -> tuple[Said, Json]:
    """The form of accounts, which Alex asked for in the group chat, and what its Save sends of itself."""
    said = await stage.client.ask("settings account", chat=stage.client.group)
    assert said.card is not None
    assert buttons(said.card) == ["Save", "Reload", "All settings"]
    return said, said.card["actions"][0]


async def test_in_a_group_chat_an_administrator_sees_the_settings_and_others_whom_to_ask(stage) -> None:
    group = stage.client.group
    assert "What do you want to change?" in texts((await stage.client.ask("settings", chat=group)).card)
    for text in ("settings", "settings account"):
        answer = texts((await stage.client.ask(text, chat=group, by=MEGAN)).card)
        assert "The administrator is Alex Wilber." in answer
        assert "Account" not in answer


async def test_a_forged_save_is_refused_and_stands_in_the_audit_trail(stage) -> None:
    """Megan presses Save on the form that Alex asked for."""
    before = await stage.api("GET", "/record-types/account")
    form, save = await form_in_group(stage)
    data = save["data"] | {"disclosure_external": "fields", "by": ALEX.aad, "from": {"aadObjectId": ALEX.aad}}
    answer = await stage.client.press(save["verb"], data, message=form.id, chat=stage.client.group, by=MEGAN)
    assert "Only administrators of Connect Chats may change the settings. Ask Alex Wilber." in answer["value"]
    assert await stage.api("GET", "/record-types/account") == before
    refusal = await audit(stage, "refusals")
    assert (refusal["action"], refusal["reason"]) == ("settings", "not-admin")
    assert refusal["by"] == {"id": MEGAN.aad, "name": MEGAN.name}
    assert refusal["chat"] == stage.client.group


async def test_a_client_without_execute_saves_by_submit_and_is_answered_by_a_message(stage) -> None:
    async with stage.settings("account") as before:
        form, save = await form_in_group(stage)
        heard = len(stage.client.said)
        data = save["fallback"]["data"] | {"disclosure": "name", "enabled": "true"}
        await stage.client.submit(data, message=form.id, chat=stage.client.group)
        answer = texts((await stage.client.hear(chat=stage.client.group, after=heard)).card)
        assert SAVED in answer
        assert "disclosure: fields → name" in answer
        assert await stage.api("GET", "/record-types/account") == before | {"disclosure": "name"}


async def test_a_connected_chat_is_told_when_a_watched_field_changes_and_as_much_as_may_be_shown(stage) -> None:
    client = stage.client
    async with stage.settings("account") as before, stage.account("Relecloud") as key:
        await client.ask(f"connect {key}", chat=client.group)
        await stage.api("PUT", "/record-types/account", before | {"watch_fields": ["Status"]})

        async def changed(**fields: str) -> None:
            record = {"title": "Relecloud", "fields": {"Owner": ALEX.name, **fields}, "access": {"*": "append"}}
            await stage.api("PUT", f"/records/account/{key}", record)

        heard = len(client.said)
        await changed(Status="Active", City="Bern")
        await changed(Status="On hold", City="Bern")
        post = texts((await client.hear(chat=client.group, after=heard)).card)
        assert "Active → On hold" in post
        assert "Bern" not in post

        await stage.api("PUT", "/record-types/account", before | {"watch_fields": ["Status"], "disclosure": "name"})
        heard = len(client.said)
        await changed(Status="Closed")
        post = texts((await client.hear(chat=client.group, after=heard)).card)
        assert "Relecloud" in post
        assert "Closed" not in post
