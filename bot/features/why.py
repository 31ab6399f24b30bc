"""What the bot makes of a link, step by step: the place to look when "nothing happens"."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.answers import Step, Why
from bot.domain.catalogue import Catalogue
from bot.domain.chats import ChatKind
from bot.domain.decisions import Action, Decision, Facts, Reason
from bot.domain.links import Link
from bot.domain.people import Audience
from bot.domain.policy import decide, disclosure_in, disclosure_setting, gather, required
from bot.domain.records import Disclosure, Requirement
from bot.domain.settings import RecordType
from bot.domain.settings_json import to_json
from bot.domain.text import one_line
from bot.features.command import Asked, Command
from bot.features.refusals import UNANSWERED, UNKNOWN_RECORD, refusal
from bot.features.scene import Scene, Target

SHOWS = {
    Disclosure.NOTHING: "nothing at all",
    Disclosure.BUTTON: "only an Open button",
    Disclosure.TYPE: "the kind of record and an Open button",
    Disclosure.NAME: "the record's name and an Open button",
    Disclosure.FIELDS: "the record's name and chosen fields",
}
_HERE = {
    Audience.INTERNAL: "Only people of your organisation are in this chat",
    Audience.EXTERNAL: "Guests or people of other organisations are in this chat",
    Audience.UNKNOWN: "I can't tell who is in this chat",
}
_ELSEWHERE = {
    Audience.INTERNAL: "In a chat of your organisation",
    Audience.EXTERNAL: "In a chat with guests",
    Audience.UNKNOWN: "In a chat that I am not in,",
}


def why(scene: Scene, asked: Asked) -> Why:
    """Explain. Where others read along, only what everybody in the chat may know.

    Raises:
        Invalid: no link was given.
    """
    text = asked.spelled_out
    candidates = [word for word in (text, *text.split(), *asked.links) if word]
    if not candidates:
        raise asked.not_understood(scene.catalogue)
    for candidate in candidates:
        if link := scene.catalogue.reference(candidate):
            return _explain(scene, link)
    return _not_ours(scene, candidates)


COMMAND = Command(usage="why <link>", summary="What I make of a link, step by step", action=Action.SEE, run=why)


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
    """The steps that the link alone decides, for everybody; then the person's, where nobody reads along."""
    facts = gather(
        scene.catalogue,
        link.record,
        None,
        person=scene.person,
        tenant=scene.tx.tenant,
        chat=scene.chat,
        link_app=link.app,
    )
    private = scene.chat.private
    setting = _Setting(shown=private and facts.is_admin, settings=facts.settings, app=f"app {link.app}")
    steps = _by_the_link(scene.catalogue, link, facts, setting)
    if steps[-1].ok is False:
        return Why(steps=tuple(steps), hint="Until it is switched on, cards only say so. The link itself works.")
    if private:
        steps += _for_the_person(scene.target(link.record, link_app=link.app), setting)
        return Why(steps=tuple(steps))
    level = disclosure_in(facts.settings, facts.audience)
    shown = f"{_HERE[facts.audience]}, so a card shows {SHOWS[level]}."
    return Why(
        steps=(*steps, Step(ok=level > Disclosure.NOTHING, text=shown)),
        hint="Send me why and the link in our personal chat: there I say what you may do with the record.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """Names the setting that decided, for admins.

    Attributes:
        shown: an admin asks, and nobody reads along.
        app: whose own switch is meant.
    """

    shown: bool
    settings: RecordType
    app: str

    def behind(self, sentence: str, name: str | None) -> str:
        """The sentence with what decided: "You may connect a chat to it: connect is “append” on the ..."."""
        if not self.shown or name is None:
            return sentence
        if name == "app.enabled":
            return f"{sentence[:-1]}: enabled is “false” on the {self.app}."
        value = to_json(self.settings)[name]
        words = ", ".join(value) if isinstance(value, list) else str(value).lower()
        return f"{sentence[:-1]}: {name} is “{one_line(words, 120)}” on the record type {self.settings.name}."


def _by_the_link(catalogue: Catalogue, link: Link, facts: Facts, setting: _Setting) -> list[Step]:
    """What it names, and whether that is switched on: the same for everybody, and for records that don't exist."""
    named = setting.shown or disclosure_in(facts.settings, facts.audience) >= Disclosure.TYPE
    of_type = f" of the type {one_line(facts.settings.label, 60)}" if named else ""
    steps = [Step(ok=True, text=f"This names a record{of_type}.")]
    if link.app is not None:
        app = catalogue.apps.get(link.app)
        label = one_line(app.label, 60) if app else "one that has no settings here"
        steps.append(Step(ok=None, text=f"It names an app: {label}."))
    return [*steps, _switched_on(decide(Action.TELL, facts), setting)]


def _switched_on(decision: Decision, setting: _Setting) -> Step:
    if decision.allowed:
        return Step(ok=True, text="Cards are switched on for it.")
    what = "this kind of record" if decision.reason is Reason.TYPE_OFF else "this app for this kind of record"
    return Step(ok=False, text=setting.behind(f"An administrator has switched off {what}.", decision.setting))


def _for_the_person(target: Target, setting: _Setting) -> list[Step]:
    """What they may do with the record. Of one they may not read, an admin learns its type's settings and no more."""
    seen = decide(Action.SEE, target.facts)
    if seen.reason is Reason.APP_OFF:
        return [_switched_on(seen, replace(setting, app="app it belongs to"))]
    if not seen.allowed:
        steps = [Step(ok=False, text=_unreadable(seen))]
        if not setting.shown:
            return steps
        needed = required(Action.CONNECT, target.type)
        words = (
            "Nobody may connect a chat"
            if needed is Requirement.NOBODY
            else f"Who has the right to {needed.value} may connect a chat"
        )
        steps.append(Step(ok=None, text=setting.behind(f"{words} to records of this type.", "connect")))
    else:
        steps = [Step(ok=True, text=_rights(target)), _connecting(target, setting)]
    return [*steps, _disconnecting(target.facts), *_showing(target.type, setting)]


def _unreadable(seen: Decision) -> str:
    if seen.reason is Reason.UNANSWERED:
        return f"{UNANSWERED} Try again in a minute."
    return f"{UNKNOWN_RECORD} If it exists, its owner can give you access."


def _rights(target: Target) -> str:
    right = f"the right to {target.facts.privilege.word}"
    if target.granted:
        return f"The record's own system gives you {right}."
    return f"You own it, so you have {right}." if target.facts.is_owner else f"You have {right}."


def _connecting(target: Target, setting: _Setting) -> Step:
    """In a chat that I am in with several people."""
    facts = replace(target.facts, chat=ChatKind.GROUP)
    decision = decide(Action.CONNECT, facts)
    if decision.allowed:
        return Step(ok=True, text=setting.behind("You may connect a chat to it.", decision.setting))
    told = refusal(Action.CONNECT, decision, facts, owner=target.record.owner, connector=None)
    return Step(ok=False, text=f"{setting.behind(told.what, decision.setting)} {told.next_step}")


def _disconnecting(facts: Facts) -> Step:
    """From a chat that somebody else connected, or else from one that they did."""
    any_chat = decide(Action.DISCONNECT, replace(facts, connected=True, is_last_connector=False))
    own_chat = decide(Action.DISCONNECT, replace(facts, connected=True, is_last_connector=True))
    if any_chat.reason is Reason.ADMIN:
        return Step(ok=True, text="As an administrator of Connect Chats you may disconnect any chat.")
    if any_chat.allowed:
        return Step(ok=True, text="As its owner you may disconnect it from any chat.")
    if own_chat.allowed:
        return Step(ok=True, text="You may disconnect it from chats that you connected.")
    return Step(ok=False, text="You may not disconnect it from a chat, even if you connected it.")


def _showing(settings: RecordType, setting: _Setting) -> list[Step]:
    return [
        Step(
            ok=None,
            text=setting.behind(
                f"{where} its card shows {SHOWS[disclosure_in(settings, audience)]}.",
                disclosure_setting(settings, audience),
            ),
        )
        for audience, where in _ELSEWHERE.items()
    ]
