"""A link and a key name records of one type: what two types would match is refused, however it is spelled."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import load_catalogue
from bot.errors import SettingsInvalid
from tests.features.filled import changes, stored
from tests.world import World

TICKET = "https://help.example.com/view?kind=big%20one&no={id}"

SAME_LINKS = [
    ("https://crm.example.com/records/opportunity/{id}", "https://crm.example.com/records/opportunity/{id}"),
    ("https://crm.example.com/records/opportunity/{id}", "https://crm.example.com/records/opportunity/{id}/"),
    ("https://crm.example.com/records/opportunity/{id}", "https://CRM.example.com/records/opportunity/{id}"),
    ("https://crm.example.com/records/opportunity/{id}", "HTTPS://crm.example.com/records/opportunity/{id}"),
    ("https://crm.example.com/records/opportunity/{id}", "https://crm.example.com:443/records/opportunity/{id}"),
    ("https://crm.example.com/records/opportunity/{id}", "https://crm.example.com/records/%6fpportunity/{id}"),
    ("https://crm.example.com/records/opportunity/{id}", "https://crm.example.com/records/opportunity/{id}?#top"),
    ("http://crm:80/{id}/", "http://CRM/{id}"),
    (TICKET, "https://help.example.com/view?no={id}&kind=big%20one"),
    (TICKET, "https://help.example.com/view/?&k%69nd=%62ig%20one&&no={id}#x"),
]
OTHER_LINKS = [
    "http://crm.example.com/records/opportunity/{id}",
    "https://crm.example.com:8443/records/opportunity/{id}",
    "https://www.crm.example.com/records/opportunity/{id}",
    "https://crm.example.com/records/Opportunity/{id}",
    "https://crm.example.com/records//opportunity/{id}",
    "https://crm.example.com/records/opportunity?id={id}",
    "https://crm.example.com/records/{id}/opportunity",
]
SAME_KEYS = [("O-#", "O-#"), ("O-#", "o-#"), ("Op#-#x", "oP#-#X"), ("#", "#")]
OTHER_KEYS = ["OP-#", "O#", "O-#-#", "#-O", "O_#"]


@pytest.mark.parametrize(("theirs", "entered"), SAME_LINKS)
async def test_a_link_pattern_that_matches_what_another_types_does_is_refused(
    world: World, theirs: str, entered: str
) -> None:
    assert (await world.api("PUT", "/record-types/opportunity", {"label": "Deal", "links": [theirs]}))[0] == 200
    before, history = await stored(world), await changes(world)
    links = [*before["links"], entered]
    status, problem = await world.api("PUT", "/record-types/account", before | {"links": links})
    assert status == 409
    assert f"link pattern {entered!r} belongs to the record type 'opportunity'" in problem["detail"]
    assert (await stored(world), await changes(world)) == (before, history)


@pytest.mark.parametrize(("theirs", "entered"), SAME_KEYS)
async def test_a_key_that_matches_what_another_types_does_is_refused(world: World, theirs: str, entered: str) -> None:
    assert (await world.api("PUT", "/record-types/opportunity", {"label": "Deal", "key": theirs}))[0] == 200
    before, history = await stored(world), await changes(world)
    status, problem = await world.api("PUT", "/record-types/account", before | {"key": entered})
    assert status == 409
    assert f"key {entered!r} belongs to the record type 'opportunity'" in problem["detail"]
    assert (await stored(world), await changes(world)) == (before, history)


@pytest.mark.parametrize("entered", [{"links": [link]} for link in OTHER_LINKS] + [{"key": key} for key in OTHER_KEYS])
async def test_what_matches_something_else_is_no_conflict(world: World, entered: dict[str, object]) -> None:
    assert (await world.api("PUT", "/record-types/account", await stored(world) | entered))[0] == 200


async def test_a_type_may_spell_its_own_pattern_and_key_anew(world: World) -> None:
    spelled = {"links": ["https://CRM.example.com:443/records/account/{id}/"], "key": "a-#"}
    assert (await world.api("PUT", "/record-types/account", await stored(world) | spelled))[0] == 200


@pytest.mark.parametrize(
    ("setting", "theirs", "entered"),
    [("links", [theirs], [entered]) for theirs, entered in SAME_LINKS] + [("key", *keys) for keys in SAME_KEYS],
)
def test_the_file_may_not_give_two_types_the_same_either(
    tmp_path: Path, setting: str, theirs: object, entered: object
) -> None:
    path = tmp_path / "connect-chats.toml"
    sections = [
        f'[[record_types]]\nname = "{name}"\nlabel = "x"\n{setting} = {value!r}\n'
        for name, value in (("opportunity", theirs), ("account", entered))
    ]
    path.write_text("".join(sections), encoding="utf-8")
    with pytest.raises(SettingsInvalid) as caught:
        load_catalogue(path)
    (problem,) = caught.value.problems
    assert "'account' belongs to 'opportunity'" in problem
    assert repr(entered).strip("[]") in problem
