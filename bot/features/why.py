"""What the bot makes of a link, step by step: the place to look when "nothing happens"."""

from __future__ import annotations

from bot.domain.answers import Step, Why
from bot.domain.chats import ChatKind
from bot.domain.links import Link
from bot.domain.people import Audience
from bot.domain.policy import disclosure_in
from bot.domain.records import Disclosure, RecordType
from bot.domain.text import one_line
from bot.features.references import not_understood
from bot.features.scene import UNKNOWN_RECORD, Scene

_SHOWS = {
    Disclosure.NOTHING: "nothing at all",
    Disclosure.BUTTON: "only an Open button",
    Disclosure.TYPE: "the kind of record and an Open button",
    Disclosure.NAME: "the record's name and an Open button",
    Disclosure.FIELDS: "the record's name and chosen fields",
}


def why(scene: Scene, text: str, links: tuple[str, ...]) -> Why:
    """Explain. Where others read along, only what everybody in the chat may know.

    Raises:
        Invalid: no link was given.
    """
    candidates = [word for word in (text, *text.split(), *links) if word]
    if not candidates:
        raise not_understood(scene.catalogue, "", "why <link>")
    for candidate in candidates:
        if link := scene.catalogue.reference(candidate):
            return _explain(scene, link)
    return _not_ours(scene, candidates)


def _not_ours(scene: Scene, candidates: list[str]) -> Why:
    if not any(word.lower().startswith(("http://", "https://")) for word in candidates):
        return Why(
            steps=(Step(ok=False, text="This is neither a link nor a record's key."),),
            hint="Copy the address of the record's page from the browser and send: why <link>",
        )
    if any(scene.catalogue.links.knows_site(word) for word in candidates):
        return Why(
            steps=(
                Step(ok=True, text="The link points to a system whose records I know."),
                Step(ok=False, text="Its path or query is not that of a record's page."),
            ),
            hint="Open the record itself, not a list or a dashboard, and copy that address.",
        )
    sites = ", ".join(sorted({str(pattern.site) for pattern in scene.catalogue.links}))
    return Why(
        steps=(
            Step(ok=False, text="The link doesn't point to a system whose records I know."),
            Step(ok=None, text=f"I know records at: {one_line(sites, 300) or 'no address yet'}."),
        ),
        hint="An administrator can add a link pattern to a record type.",
    )


def _explain(scene: Scene, link: Link) -> Why:
    record_type = scene.catalogue.types[link.record.type]
    steps = [Step(ok=True, text=f"This names a record of the type {one_line(record_type.label, 60)}.")]
    if link.app is not None:
        app = scene.catalogue.apps.get(link.app)
        label = one_line(app.label, 60) if app else "one that has no settings here"
        steps.append(Step(ok=None, text=f"It names an app: {label}."))
    if not scene.catalogue.switched_on(record_type, link.app):
        steps.append(Step(ok=False, text="An administrator has switched off this app or this kind of record."))
        return Why(steps=tuple(steps), hint="Until it is switched on, cards only say so. The link itself works.")
    steps.append(Step(ok=True, text="Cards are switched on for it."))
    if scene.chat.kind is not ChatKind.PERSONAL:
        steps.append(_shown_here(scene, record_type))
        return Why(
            steps=tuple(steps),
            hint="Send me why and the link in our personal chat: there I say what you may do with the record.",
        )
    return Why(steps=tuple(steps + _for_the_person(scene, link, record_type)))


def _shown_here(scene: Scene, record_type: RecordType) -> Step:
    audience = {
        Audience.INTERNAL: "Only people of your organisation are in this chat",
        Audience.EXTERNAL: "Guests or people of other organisations are in this chat",
        Audience.UNKNOWN: "I can't tell who is in this chat",
    }[scene.chat.audience]
    level = scene.level(record_type)
    return Step(ok=level > Disclosure.NOTHING, text=f"{audience}, so a card shows {_SHOWS[level]}.")


def _for_the_person(scene: Scene, link: Link, record_type: RecordType) -> list[Step]:
    target = scene.try_read(link.record)
    if target is None:
        return [Step(ok=False, text=f"{UNKNOWN_RECORD} If it exists, its owner can give you access.")]
    steps = [Step(ok=True, text=f"You have the right to {target.privilege.word}.")]
    required = record_type.connect
    if required.met_by(target.privilege):
        steps.append(Step(ok=True, text="You may connect a chat to it."))
    elif required.value == "nobody":
        steps.append(Step(ok=False, text="Connecting chats to this kind of record is switched off."))
    else:
        steps.append(Step(ok=False, text=f"Connecting a chat to it needs the right to {required.value}."))
    for where, audience in (
        ("In a chat of your organisation", Audience.INTERNAL),
        ("In a chat with guests", Audience.EXTERNAL),
        ("In a chat I am not in", Audience.UNKNOWN),
    ):
        steps.append(Step(ok=None, text=f"{where} its card shows {_SHOWS[disclosure_in(record_type, audience)]}."))
    return steps
