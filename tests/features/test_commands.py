"""The table of commands: parsing."""

from __future__ import annotations

import pytest

from bot.features.commands import COMMANDS, parse


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_is_found_whatever_its_case_and_spaces(command) -> None:
    for text in (command.name, command.name.upper(), f"  {command.name.title()}  ", f"\u00a0{command.name}\n"):
        assert parse(text).command is command
        assert parse(text).argument == ""


def test_the_argument_keeps_its_lines() -> None:
    assert parse("note first\nsecond  line ").argument == "first\nsecond  line"


@pytest.mark.parametrize("text", ["hi", "Hello", "hello!", "", "   "])
def test_a_greeting_gets_help_and_is_not_called_unknown(text: str) -> None:
    request = parse(text)
    assert (request.command.name, request.unknown) == ("help", None)


@pytest.mark.parametrize("text", ["conect A-1001", "🙂", "https://crm.example.com/records/account/A-1001"])
def test_anything_else_gets_help_that_names_the_word(text: str) -> None:
    request = parse(text)
    assert (request.command.name, request.unknown) == ("help", text.split()[0])


def test_summaries_fit_into_the_manifest() -> None:
    assert all(len(command.summary) <= 128 and len(command.name) <= 32 for command in COMMANDS)
