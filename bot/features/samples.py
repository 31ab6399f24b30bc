"""The records of the demo, so that a stranger has something to paste."""

from __future__ import annotations

from bot.domain.people import Actor
from bot.domain.records import EVERYBODY, Privilege, Record, RecordId
from bot.features.records import put_record
from bot.ports import Render, Transaction

ALEX = Actor(id="00000000-0000-0000-0000-0000000000020", name="Alex Wilber")
MEGAN = Actor(id="00000000-0000-0000-0000-0000000000021", name="Megan Bowen")

SAMPLES = (
    Record(
        record=RecordId("account", "A-1001"),
        title="Contoso Ltd",
        fields={"Owner": "Alex Wilber", "Status": "Active", "City": "Zürich", "Revenue": "CHF 4.2 M", "Rating": "A+"},
        owner=None,
        access={EVERYBODY: Privilege.APPEND},
    ),
    Record(
        record=RecordId("opportunity", "O-2001"),
        title="Contoso renewal 2027",
        fields={
            "Owner": "Megan Bowen",
            "Stage": "Proposal",
            "Estimated value": "CHF 180,000",
            "Closes": "15 January 2027",
        },
        owner=MEGAN,
        access={EVERYBODY: Privilege.READ},
    ),
    Record(
        record=RecordId("case", "C-3001"),
        title="Delivery arrived damaged",
        fields={"Owner": "Megan Bowen", "Status": "In progress", "Priority": "High"},
        owner=MEGAN,
        access={MEGAN.id or "": Privilege.WRITE},
    ),
)


def add_samples(tx: Transaction, render: Render) -> None:
    """Create the sample records that are missing."""
    for record in SAMPLES:
        if tx.last_version(record.record) == 0:
            put_record(tx, record, actor=None, render=render)
