"""`why`, `help`, greetings and unknown words: every message gets an answer that helps."""

from __future__ import annotations

import pytest

from bot.features.commands import COMMANDS
from tests.world import ACCOUNT, CASE, CHANNEL, GROUP, PERSONAL, World, texts


@pytest.mark.parametrize("text", ["help", "hi", "Hello!", "", "   ", "HELP"])
async def test_help_lists_every_command_of_this_kind_of_chat(world: World, text: str) -> None:
    shown = texts(await world.say(text))
    assert all(command.usage in shown for command in COMMANDS)
    personal = texts(await world.say(text, chat=PERSONAL))
    assert all(command.usage in personal for command in COMMANDS)
    elsewhere = personal.index("In a group chat")
    assert personal.index("timeline [link or key] [n]") < elsewhere < personal.index("disconnect")


async def test_an_unknown_word_is_named_and_shown_literally(world: World) -> None:
    assert "conect" in texts(await world.say("conect A-1001"))
    card = await world.say("<b>*x*</b>")
    assert "<b>*x*</b>" in texts(card)


async def test_why_explains_each_step_in_the_personal_chat(world: World) -> None:
    shown = texts(await world.say(f"why {ACCOUNT}", chat=PERSONAL))
    assert "Account" in shown
    assert "append" in shown
    assert "guests" in shown
    shared = texts(await world.say(f"why {ACCOUNT}"))
    assert "append" not in shared
    assert "personal chat" in shared


async def test_why_says_the_same_of_forbidden_and_unknown_records(world: World) -> None:
    for chat in (PERSONAL, GROUP):
        assert await world.say(f"why {CASE}", chat=chat) == await world.say(
            f"why {CASE.replace('3001', '9999')}", chat=chat
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("why", "which record"),
        ("why foo", "neither a link"),
        ("why https://crm.example.com/reports/7", "path or query"),
        ("why https://news.example.org/", "https://crm.example.com"),
    ],
)
async def test_why_tells_what_is_wrong_with_a_link(world: World, text: str, expected: str) -> None:
    assert expected in texts(await world.say(text, chat=PERSONAL))


async def test_why_reads_the_link_from_the_html(world: World) -> None:
    html = [{"contentType": "text/html", "content": f'<a href="{ACCOUNT}">Contoso Ltd</a>'}]
    assert "Account" in texts(await world.say("why Contoso Ltd", attachments=html, chat=PERSONAL))


async def test_a_mention_is_taken_out_without_eating_words(world: World) -> None:
    mention = {"type": "mention", "text": "<at>Rec</at>", "mentioned": {"id": "28:connect-chats", "name": "Rec"}}
    card = await world.say("<at>Rec</at> recond Record 5", entities=[mention], chat=CHANNEL + ";messageid=17")
    assert "recond" in texts(card)
    assert "connected to" in texts(await world.say("<at>Rec</at>&nbsp;connect A-1001", entities=[mention]))
