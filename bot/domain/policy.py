"""The rules: who may do what with a record, and how much of it may be shown where.

A feature gathers the facts (`gather`), asks the table (`decide`) and words the answer; no rule stands anywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

from bot.domain.catalogue import Catalogue
from bot.domain.chats import Chat, ChatKind, ChatState
from bot.domain.decisions import UNKNOWN_TYPE, Action, AppSwitch, Decision, Facts, Reason
from bot.domain.grants import Grant
from bot.domain.people import Actor, Audience, Person
from bot.domain.records import EVERYBODY, Disclosure, Privilege, Record, RecordId, Requirement
from bot.domain.setting_types import ANY_APP
from bot.domain.settings import RecordType

# Rights, and how much may be shown -----------------------------------------------------------------------------------


def is_same(actor: Actor | None, person: Person) -> bool:
    """Whether both are one known person; people without an id are never the same."""
    return actor is not None and actor.id is not None and actor.id == person.id


def privilege_of(record: Record, person: Person, *, tenant: str) -> Privilege:
    """A person's rights: the owner has `write`, else their own entry, else `*` (not for guests), else `none`."""
    if person.id is None:
        return Privilege.NONE
    if is_same(record.owner, person):
        return Privilege.WRITE
    own = record.access.get(person.id)
    if own is not None:
        return own
    if person.guest or (person.tenant or tenant) != tenant:
        return Privilege.NONE
    return record.access.get(EVERYBODY, Privilege.NONE)


def disclosure_in(settings: RecordType, audience: Audience) -> Disclosure:
    """How much may be shown where everybody of this audience sees it."""
    if audience is Audience.INTERNAL:
        return settings.disclosure
    if audience is Audience.EXTERNAL:
        return min(settings.disclosure, settings.disclosure_external)
    if audience is Audience.UNKNOWN:
        return min(settings.disclosure, settings.disclosure_unknown)
    # A newer program's word: whatever it means, the least of all is not too much.
    return min(settings.disclosure, settings.disclosure_external, settings.disclosure_unknown)


def disclosure_setting(settings: RecordType, audience: Audience) -> str:
    """The name of the setting that `disclosure_in` follows."""
    if audience is Audience.INTERNAL or disclosure_in(settings, audience) == settings.disclosure:
        return "disclosure"
    return "disclosure_external" if audience is Audience.EXTERNAL else "disclosure_unknown"


def disclosure_anonymous(settings: RecordType) -> Disclosure:
    """How much an unfurl may show whose reader is not known at all."""
    return min(settings.disclosure_unknown, Disclosure.TYPE)


def shows_less(before: RecordType, after: RecordType) -> bool:
    """Whether some of what might be shown somewhere until now may not be any more."""
    return (
        (before.enabled and not after.enabled)
        or (before.note and not after.note)
        or any(disclosure_in(after, audience) < disclosure_in(before, audience) for audience in Audience)
        or not {*before.card_fields} <= {*after.card_fields}
        or not {*before.note_fields} <= {*after.note_fields}
        or not {*before.watch_fields} <= {*after.watch_fields}
        or (ANY_APP not in after.apps and not {*before.apps} <= {*after.apps})
    )


# The facts ----------------------------------------------------------------------------------------------------------


NOBODY = Person(id=None)


def gather(
    catalogue: Catalogue,
    record_id: RecordId,
    record: Record | None,
    *,
    tenant: str,
    chat: Chat | None,
    person: Person = NOBODY,
    connected: bool = False,
    connector: Actor | None = None,
    link_app: str | None = None,
    grant: Grant | None = None,
) -> Facts:
    """The facts about a person, a record (None: there is none) and a chat (None: the bot never was there).

    `grant`: what the record's own system says of the person's rights; None where the record itself does.
    """
    known = catalogue.types.get(record_id.type)
    settings = UNKNOWN_TYPE if known is None else known
    here = chat if chat is not None and chat.state is ChatState.ACTIVE else None
    return Facts(
        privilege=_privilege(record, person, grant, tenant) if record and known else Privilege.NONE,
        is_admin=person.id in catalogue.admins,
        is_owner=record is not None and is_same(record.owner, person),
        is_last_connector=connected and is_same(connector, person),
        chat=here.kind if here is not None else None,
        audience=here.audience if here is not None else Audience.UNKNOWN,
        connected=connected,
        settings=settings,
        link_app=_switch(catalogue, settings, link_app),
        record_app=_switch(catalogue, settings, record.app if record is not None else None),
        answered=grant is None or grant.privilege is not None,
    )


def _privilege(record: Record, person: Person, grant: Grant | None, tenant: str) -> Privilege:
    if grant is None:
        return privilege_of(record, person, tenant=tenant)
    return grant.privilege or Privilege.NONE


def _switch(catalogue: Catalogue, settings: RecordType, app: str | None) -> AppSwitch:
    if app is None:
        return AppSwitch.ON
    known = catalogue.apps.get(app)
    if known is not None and not known.enabled:
        return AppSwitch.OFF
    return AppSwitch.ON if ANY_APP in settings.apps or app in settings.apps else AppSwitch.NOT_LISTED


# The table ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: for these actions, when this holds, this is the decision."""

    actions: Set[Action]
    when: Callable[[Facts], bool]
    decision: Decision


def required(action: Action, settings: RecordType) -> Requirement:
    """The least privilege that an action needs."""
    match action:
        case Action.CONNECT:
            return settings.connect
        case Action.JOIN:
            return settings.join
        case Action.NOTE:
            return Requirement.APPEND
        case _:
            return Requirement.READ


def _yes(reason: Reason, setting: str | None = None) -> Decision:
    return Decision(True, reason, setting)


def _no(reason: Reason, setting: str | None = None) -> Decision:
    return Decision(False, reason, setting)


def _otherwise(facts: Facts) -> bool:
    return True


def _needs_shown(action: Action, least: Disclosure) -> tuple[Rule, ...]:
    """It shows that much of the record to everybody in the chat; one row for each setting that may forbid it."""

    def hidden_by(setting: str) -> Callable[[Facts], bool]:
        def hidden(it: Facts) -> bool:
            level = disclosure_in(it.settings, it.audience)
            return level < least and disclosure_setting(it.settings, it.audience) == setting

        return hidden

    settings = ("disclosure", "disclosure_external", "disclosure_unknown")
    return tuple(Rule({action}, hidden_by(setting), _no(Reason.NOT_SHOWN, setting)) for setting in settings)


def _needs_privilege(action: Action, setting: str | None) -> tuple[Rule, ...]:
    def met(facts: Facts) -> bool:
        return required(action, facts.settings).met_by(facts.privilege)

    def for_nobody(facts: Facts) -> bool:
        return required(action, facts.settings) is Requirement.NOBODY

    return (
        Rule({action}, met, _yes(Reason.PRIVILEGE, setting)),
        Rule({action}, for_nobody, _no(Reason.FOR_NOBODY, setting)),
        Rule({action}, _otherwise, _no(Reason.TOO_LITTLE, setting)),
    )


_CONNECTS = {Action.CONNECT, Action.SYSTEM_CONNECT}
_READS = {Action.SEE, Action.UNFURL, Action.TIMELINE, Action.NOTE, Action.CONNECT, Action.DISCONNECT, Action.JOIN}
"""What a person must be able to read the record for; who may disconnect is let through before."""
_SHOWS = _READS | {Action.UNFURL_ANONYMOUSLY, Action.TELL}

RULES: tuple[Rule, ...] = (
    # Being an admin gives settings and disconnect, never read.
    Rule({Action.SETTINGS}, lambda it: it.is_admin, _yes(Reason.ADMIN, "admins")),
    Rule({Action.SETTINGS}, _otherwise, _no(Reason.NOT_ADMIN, "admins")),
    # A chat is connected only where the bot can tell everybody in it, and where there are several.
    Rule(_CONNECTS, lambda it: it.chat is None, _no(Reason.BOT_ABSENT)),
    Rule(_CONNECTS, lambda it: it.chat is ChatKind.PERSONAL, _no(Reason.ONE_TO_ONE)),
    Rule({Action.SYSTEM_CONNECT}, _otherwise, _yes(Reason.PRIVILEGE)),
    # Nobody is stuck with a connection: to end it one need not be able to read, nor the type be switched on.
    Rule({Action.DISCONNECT}, lambda it: it.connected and it.is_admin, _yes(Reason.ADMIN, "admins")),
    Rule(
        {Action.DISCONNECT},
        lambda it: it.connected and it.is_owner and it.settings.owner_may_disconnect,
        _yes(Reason.OWNER, "owner_may_disconnect"),
    ),
    Rule(
        {Action.DISCONNECT},
        lambda it: it.connected and it.is_last_connector and it.settings.connector_may_disconnect,
        _yes(Reason.CONNECTOR, "connector_may_disconnect"),
    ),
    # The link alone tells this, so everybody may hear it.
    Rule(_SHOWS, lambda it: not it.settings.enabled, _no(Reason.TYPE_OFF, "enabled")),
    Rule(_SHOWS, lambda it: it.link_app is AppSwitch.OFF, _no(Reason.APP_OFF, "app.enabled")),
    Rule(_SHOWS, lambda it: it.link_app is AppSwitch.NOT_LISTED, _no(Reason.APP_OFF, "apps")),
    Rule(_READS, lambda it: not it.answered, _no(Reason.UNANSWERED)),
    # Unknown or forbidden. Whatever stands below is for those who may read the record.
    Rule(_READS, lambda it: it.privilege < Privilege.READ, _no(Reason.UNKNOWN)),
    Rule(_SHOWS, lambda it: it.record_app is AppSwitch.OFF, _no(Reason.APP_OFF, "app.enabled")),
    Rule(_SHOWS, lambda it: it.record_app is AppSwitch.NOT_LISTED, _no(Reason.APP_OFF, "apps")),
    Rule({Action.SEE, Action.TELL}, _otherwise, _yes(Reason.PRIVILEGE)),
    # What everybody in the chat would see.
    *_needs_shown(Action.UNFURL, Disclosure.BUTTON),
    *_needs_shown(Action.TIMELINE, Disclosure.NAME),
    Rule({Action.UNFURL, Action.TIMELINE}, _otherwise, _yes(Reason.PRIVILEGE)),
    Rule(
        {Action.UNFURL_ANONYMOUSLY},
        lambda it: disclosure_anonymous(it.settings) is Disclosure.NOTHING,
        _no(Reason.NOT_SHOWN, "disclosure_unknown"),
    ),
    Rule({Action.UNFURL_ANONYMOUSLY}, _otherwise, _yes(Reason.PRIVILEGE)),
    # What each action needs besides.
    *_needs_privilege(Action.CONNECT, "connect"),
    *_needs_privilege(Action.JOIN, "join"),
    Rule({Action.NOTE, Action.DISCONNECT}, lambda it: not it.connected, _no(Reason.NOT_CONNECTED)),
    *_needs_privilege(Action.NOTE, None),
    Rule({Action.DISCONNECT}, lambda it: it.is_owner, _no(Reason.NOT_YOURS, "owner_may_disconnect")),
    Rule({Action.DISCONNECT}, lambda it: it.is_last_connector, _no(Reason.NOT_YOURS, "connector_may_disconnect")),
    Rule({Action.DISCONNECT}, _otherwise, _no(Reason.NOT_YOURS)),
)

_RULES_FOR = {action: tuple(rule for rule in RULES if action in rule.actions) for action in Action}


def decide(action: Action, facts: Facts) -> Decision:
    """The decision of the first rule that holds. The table is complete: each action has a rule that always holds."""
    for rule in _RULES_FOR[action]:
        if rule.when(facts):
            return rule.decision
    raise LookupError(f"No rule decides {action}.")
