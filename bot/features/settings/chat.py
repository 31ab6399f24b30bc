"""Settings in chat: `settings`, `settings <type or app>`, and the buttons on their cards.

They are shown to administrators, where nobody else reads along but people of the organisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.domain.answers import Notice, SettingsForm, SettingsOverview
from bot.domain.catalogue import Catalogue
from bot.domain.chats import ChatState
from bot.domain.decisions import Action, Decision, Facts
from bot.domain.history import SettingsChange, Via
from bot.domain.people import Audience
from bot.domain.policy import decide
from bot.domain.settings_json import revision
from bot.domain.text import one_line
from bot.errors import Conflict, NotAllowed, Unprocessable
from bot.features.audit import keep_refusal
from bot.features.command import Asked, Command
from bot.features.scene import Scene
from bot.features.settings import form, put_admins, words
from bot.features.settings.topics import Topic, find

LATEST = 5
MAX_REVISION = 64
MAX_SUBJECT = 256
MAX_PROBLEM = 1_500
LOOK_BACK = 100
"""Changes among which to look for the settings that somebody saw."""
NOT_HERE = Notice(
    title="Not in this chat",
    text="Others than people of your organisation may be here, and everybody could read the settings.",
    next="Send me settings in our personal chat.",
)
NOTHING_CHANGED = "Nothing changed: this is in force already."


# The commands and buttons ---------------------------------------------------------------------------------------------


def settings(scene: Scene, asked: Asked) -> SettingsOverview | SettingsForm | Notice:
    """All settings or, when a record type or an app is named, its form; for others, who the administrators are."""
    text = (asked.argument or asked.of_button("subject", MAX_SUBJECT)).strip()
    if not _decision(scene).allowed:
        return words.administrators(*administrators(scene))
    if not _unread(scene):
        return NOT_HERE
    if not text:
        return _overview(scene)
    topic = find(scene.catalogue, text)
    return _unknown(scene.catalogue, text) if topic is None else _form(topic)


def save(scene: Scene, asked: Asked) -> SettingsForm | Notice:
    """Put what was entered in force, unless the settings are not those that were seen.

    Raises:
        NotAllowed: only administrators may; it stands in the audit trail.
    """
    scene.tx.lock_settings()
    scene = replace(scene, catalogue=scene.tx.catalogue())
    _require_admin(scene)
    if not _unread(scene):
        return NOT_HERE
    subject = asked.of_button("subject", MAX_SUBJECT)
    topic = find(scene.catalogue, subject)
    if topic is None:
        return _unknown(scene.catalogue, subject)
    seen = asked.of_button("seen", MAX_REVISION)
    entry = form.read(topic.subject, topic.document, asked.data or {})
    try:
        if entry.problems:
            raise Unprocessable(" ".join(entry.problems))
        wanted = topic.having(entry.document)
        if wanted == topic:
            return _form(topic, note=NOTHING_CHANGED)
        if seen != topic.revision:
            return _stale(scene, topic, {name: wanted.document[name] for name in entry.given}, seen)
        wanted.put(scene.tx, by=scene.person.actor)
    except (Unprocessable, Conflict) as problem:
        return _form(topic, seen=seen, entered=entry.texts, problem=one_line(str(problem), MAX_PROBLEM))
    _keep_name(scene)
    return _form(wanted, saved=words.changes(topic.document, wanted.document))


COMMAND = Command(
    usage="settings [type]",
    summary="Who may do what, and how much cards show; for administrators",
    button=True,
    action=Action.SETTINGS,
    run=settings,
)
SAVE = replace(COMMAND, usage="settings.save", writes=True, run=save)
"""What the form's button asks; nobody types it."""


def administrators(scene: Scene) -> tuple[tuple[str, ...], int]:
    """The names of those who may change the settings, and how many more there are. Nobody is named where others than
    people of the organisation read along.
    """
    admins = scene.catalogue.admins
    if not _may_name(scene):
        return (), len(admins)
    roster = {member.id: member.name for member in scene.tx.members(scene.chat.id)}
    names = [one_line(name or roster.get(admin, ""), words.MAX_NAME) for admin, name in admins.items()]
    known = tuple(sorted(name for name in names if name))
    return known, len(names) - len(known)


def _keep_name(scene: Scene) -> None:
    """An administrator of whom only the id was known: now others can be told whom to ask."""
    by, admins = scene.person.actor, scene.catalogue.admins
    name = one_line(by.name, words.MAX_NAME)
    if by.id is not None and name and not admins[by.id]:
        put_admins(scene.tx, {**admins, by.id: name}, by=by, via=Via.CHAT)


# Who may, and where ---------------------------------------------------------------------------------------------------


def _decision(scene: Scene) -> Decision:
    return decide(Action.SETTINGS, Facts(is_admin=scene.person.id in scene.catalogue.admins))


def _require_admin(scene: Scene) -> None:
    decision = _decision(scene)
    if decision.allowed:
        return
    keep_refusal(scene.tx, Action.SETTINGS, decision, by=scene.person.actor, chat=scene.chat.id)
    raise NotAllowed("Only administrators of Connect Chats may change the settings.", next_step=_whom_to_ask(scene))


def _whom_to_ask(scene: Scene) -> str:
    names, unnamed = administrators(scene)
    if names:
        others = f", or {unnamed} more" if unnamed else ""
        return f"Ask {one_line(' or '.join(names), 300)}{others}."
    if unnamed:
        return "Ask one of them. Send me settings in our personal chat to see who they are."
    return "There are none yet: whoever runs Connect Chats names them with PUT /api/v1/admins."


def _unread(scene: Scene) -> bool:
    """Whether only people of the organisation, or nobody else, read what is answered here."""
    chat = scene.chat
    return chat.private or (chat.state is ChatState.ACTIVE and chat.audience is Audience.INTERNAL)


def _may_name(scene: Scene) -> bool:
    """People are named to people of the organisation only."""
    if not scene.chat.private:
        return _unread(scene)
    person = scene.person
    return person.id is not None and not person.guest and (person.tenant or scene.tx.tenant) == scene.tx.tenant


# Answers --------------------------------------------------------------------------------------------------------------


def _overview(scene: Scene) -> SettingsOverview:
    catalogue = scene.catalogue
    latest = scene.tx.settings_changes(limit=LATEST, newest_first=True)
    made_here = [change for change in latest if change.via is not Via.CONFIG]  # the rest is how it all began
    return SettingsOverview(
        types=tuple(words.of_type(item) for item in catalogue.types.values()),
        apps=tuple(words.of_app(catalogue, item) for item in catalogue.apps.values()),
        admins=tuple(one_line(name, words.MAX_NAME) or admin for admin, name in catalogue.admins.items()),
        changes=tuple(words.entry(change) for change in made_here),
    )


def _form(
    topic: Topic,
    *,
    seen: str | None = None,
    entered: Mapping[str, str] | None = None,
    saved: tuple[str, ...] = (),
    problem: str = "",
    note: str = "",
) -> SettingsForm:
    long = [item.name for item in form.inputs_of(topic.subject) if not form.fits(item, topic.document)]
    if long:
        note = f"{note} Too long for a card, so only the REST API changes it: {', '.join(long)}.".strip()
    return SettingsForm(
        title=f"Settings of {topic.label}",
        subject=topic.key,
        seen=topic.revision if seen is None else seen,
        groups=form.fields(topic.subject, topic.document, entered or {}),
        saved=saved,
        problem=problem,
        note=note,
    )


def _stale(scene: Scene, topic: Topic, given: Mapping[str, Any], seen: str) -> SettingsForm:
    """Somebody changed them since they were shown. The form holds what is in force and, over that, what the person
    changed in what they saw; where that is not known any more, what they entered is only told."""
    latest, base = _since(scene, topic, seen)
    by = words.who(latest) if latest else "Somebody"
    note = f"{by} changed these settings after your card was made, so nothing was saved."
    changed = "; ".join(words.changes(topic.document if base is None else base, given))
    if base is None:
        return _form(topic, note=f"{note} You had entered {changed}.")
    entered = {name: form.shown(value) for name, value in given.items() if value != base.get(name)}
    if entered:
        note = f"{note} What you changed stands in the form: {changed}. Save again to put it in force."
    return _form(topic, entered=entered, note=note)


def _since(scene: Scene, topic: Topic, seen: str) -> tuple[SettingsChange | None, Mapping[str, Any] | None]:
    """The latest change, and the settings that were seen; None where the history doesn't tell."""
    history = [
        change
        for change in scene.tx.settings_changes(limit=LOOK_BACK, newest_first=True)
        if (change.subject, change.name) == (topic.subject, topic.name)
    ]
    versions = [version for change in history for version in (change.after, change.before) if version is not None]
    base = next((version for version in versions if revision(version) == seen), None)
    return (history[0] if history else None), base


def _unknown(catalogue: Catalogue, text: str) -> Notice:
    names = {"Record types": ", ".join(catalogue.types), "Apps": ", ".join(catalogue.apps)}
    there_is = " ".join(f"{what}: {one_line(listed, 500) or 'none'}." for what, listed in names.items())
    return Notice(
        title="No such settings",
        text=f"There is neither a record type nor an app called “{one_line(text, 60)}”.",
        next=f"{there_is} Send settings and one of these names.",
    )
