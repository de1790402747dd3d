"""The data that stays after the deletion of an organization."""

from __future__ import annotations

from typing import NamedTuple


class KeptThing(NamedTuple):
    """A kind of data that a deletion leaves, until when it stays, and why."""

    thing: str
    until: str
    why: str


#: docs/retention.md has each kind of item.
KEPT = (
    KeptThing("name, slug, plan and dates of the organization", "no end", "the audit chain and the invoices name it"),
    KeptThing("calls with recordings and transcripts, texts, mails", "no end", "no service erases single records yet"),
    KeptThing("audit chain and events", "no end", "a chain with gaps proves nothing; it has ids and digests only"),
    KeptThing("opt-outs, blocked numbers, consents", "no end", "47 CFR 64.1200 lets a lawsuit ask for the proof"),
    KeptThing("verdicts of the compliance gate", "5 years after each", "16 CFR 310.5"),
    KeptThing("digests of keys, addresses of inboxes", "no end", "events name them, and no address is given twice"),
    KeptThing("usage and rent", "no end", "invoices rest on them"),
    KeptThing("accounts of its members", "no end", "they may belong to other organizations"),
)
