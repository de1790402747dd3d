"""Counts the recipients of a campaign by status, in eight slices, and keeps the gate that a claim passes.

The counters of the statuses add up to the total in each slice, after each commit. A
recipient counts in the slice of its index. `open` says whether recipients may be claimed: a pause and a cancel close it
in the campaign's own commit, so that no later claim succeeds. A cancel counts all pending recipients as canceled, and
leaves the recipients themselves as they are (`Recipient.status_in`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Ref
from switchboard.aws.writes import Put, Update, Write, Writes
from switchboard.campaigns import store
from switchboard.campaigns.models import Campaign, CampaignCounts, Recipient, RecipientStatus
from switchboard.kit import clock
from switchboard.messaging.models import MessageStatus, TextMessage

SLICES = 8

#: The errors of a text that say more than that it failed. The carrier's code is for a contact who opted out there.
OPTED_OUT_ERRORS = frozenset({"opted_out", "21610"})
#: The error of a text that was claimed, and not handed over because its campaign was canceled.
CANCELED_ERROR = "campaign_canceled"

_OF_TEXTS = {
    MessageStatus.QUEUED: RecipientStatus.CLAIMED,
    MessageStatus.SENDING: RecipientStatus.CLAIMED,
    # The carrier may have it, so it counts as handed over.
    MessageStatus.UNCONFIRMED: RecipientStatus.SENT,
    MessageStatus.ACCEPTED: RecipientStatus.SENT,
    MessageStatus.SENT: RecipientStatus.SENT,
    MessageStatus.DELIVERED: RecipientStatus.DELIVERED,
    MessageStatus.READ: RecipientStatus.DELIVERED,
    MessageStatus.UNDELIVERED: RecipientStatus.FAILED,
    MessageStatus.FAILED: RecipientStatus.FAILED,
    MessageStatus.CANCELED: RecipientStatus.FAILED,
}


class GateClosedError(Exception):
    """The campaign does not run, so the recipient was not claimed."""

    def __init__(self, _: list[Item | None] | None = None) -> None:
        super().__init__("the campaign does not run")


class CampaignEndedError(Exception):
    """The campaign was canceled, so the recipient does not become pending again."""

    def __init__(self, _: list[Item | None] | None = None) -> None:
        super().__init__("the campaign was canceled")


def _partition(org_id: str) -> str:
    # One for all campaigns, so that a page of the list is one request. A text writes about five units to it, and a
    # partition takes a thousand a second.
    return f"{org_id}#campaign-counts"


def _slice_key(org_id: str, campaign_id: str, number: int) -> Key:
    return {"pk": _partition(org_id), "sk": f"{campaign_id}#{number}"}


def slice_refs(org_id: str, campaign_id: str) -> list[Ref[CampaignCounts]]:
    """Returns the references to a campaign's slices, to read them with other objects. Add them up with `add_counts`."""
    keys = (_slice_key(org_id, campaign_id, number) for number in range(SLICES))
    return [Ref("core", key, CampaignCounts.model_validate) for key in keys]


def add_counts(slices: list[CampaignCounts | None]) -> CampaignCounts:
    """Returns the counts of all slices together."""
    return sum((one for one in slices if one), CampaignCounts())


def read_counts(org_id: str, campaign_id: str) -> CampaignCounts:
    """Reads the counts of a campaign, in one request."""
    return add_counts(list(reads.read_refs(*slice_refs(org_id, campaign_id))))


def read_counts_of_many(org_id: str, campaign_ids: Sequence[str]) -> dict[str, CampaignCounts]:
    """Reads the counts of campaigns that were created one after another, in one request for up to about 300."""
    if not campaign_ids:
        return {}
    first, last = _slice_key(org_id, min(campaign_ids), 0), _slice_key(org_id, max(campaign_ids), SLICES - 1)
    query = reads.Query(table="core", partition=_partition(org_id), between=(first["sk"], last["sk"]))
    found = dict.fromkeys(campaign_ids, CampaignCounts())
    for item in query.read_all():
        campaign_id = item["sk"].partition("#")[0]
        if campaign_id in found:
            found[campaign_id] += CampaignCounts.model_validate(item)
    return found


# ---- writes of the campaign


def new_slice_writes(campaign: Campaign) -> list[Put]:
    """Returns the writes of the slices of a new campaign. They are closed."""
    return [
        Put(
            table="core",
            item={
                **_slice_key(campaign.org_id, campaign.id, number),
                **CampaignCounts().model_dump(),
                "open": False,
                "ended": False,
            },
            unless_exists=True,
        )
        for number in range(SLICES)
    ]


def gate_writes(campaign: Campaign, *, open_: bool) -> list[Update]:
    """Returns the writes that open or close the gate of a campaign, for the campaign's own commit."""
    return [
        Update.set_attributes("core", _slice_key(campaign.org_id, campaign.id, number), {"open": open_})
        for number in range(SLICES)
    ]


def cancel_writes(campaign: Campaign) -> list[Update]:
    """Returns the writes that close the gate for good, and count all pending recipients as canceled."""
    return [
        Update(
            table="core",
            key=_slice_key(campaign.org_id, campaign.id, number),
            expression="SET #canceled = #canceled + #pending, #pending = :none, #open = :no, #ended = :yes",
            names={"#canceled": "cancelled", "#pending": "pending", "#open": "open", "#ended": "ended"},
            values={":none": 0, ":no": False, ":yes": True},
            condition="attribute_exists(pk)",
        )
        for number in range(SLICES)
    ]


def complete_writes(campaign: Campaign, refusal: Callable[[list[Item | None]], Exception]) -> list[Update]:
    """Returns the writes that close the gate of a campaign in which nothing is left to send, for its own commit.

    They raise `refusal` at commit if a recipient is pending or claimed.
    """
    return [
        Update(
            table="core",
            key=_slice_key(campaign.org_id, campaign.id, number),
            expression="SET #open = :no",
            names={f"#{name}": name for name in ("pending", "claimed", "open")},
            values={":none": 0, ":no": False},
            condition="#pending = :none AND #claimed = :none",
            otherwise=refusal,
        )
        for number in range(SLICES)
    ]


def import_writes(campaign: Campaign, first: int, end: int) -> list[Update]:
    """Returns the writes that count new recipients, from the index `first` until before `end`."""
    return [
        _add_write(campaign.org_id, campaign.id, number, {"total": new, "pending": new})
        for number in range(SLICES)
        if (new := len(range(first + (number - first) % SLICES, end, SLICES)))
    ]


# ---- writes of a recipient


def move_writes(
    recipient: Recipient,
    after: RecipientStatus,
    *,
    needs: Literal["open", "unended"] | None = None,
    **facts: Any,
) -> list[Write]:
    """Returns the writes that move a recipient to another status, with other facts, and count the move.

    `needs="open"` is for a claim: it raises GateClosedError at commit unless the campaign runs. `needs="unended"` is
    for a claimed recipient that becomes pending again: it raises CampaignEndedError. Raises StaleVersionError at commit
    if the recipient's status has changed. A recipient that was put off is no longer due.
    """
    org_id, campaign_id, index = recipient.org_id, recipient.campaign_id, recipient.index
    writes = _moved_writes(org_id, campaign_id, index, recipient.status, after, needs, facts | {"due": None})
    return [*writes, *([store.due_delete_write(org_id, campaign_id, recipient.due, index)] if recipient.due else [])]


class Move(NamedTuple):
    """A recipient that moves to another status, with other facts."""

    recipient: Recipient
    after: RecipientStatus
    facts: dict[str, Any]


def moves_writes(moves: Sequence[Move], needs: Literal["open", "unended"] | None = None) -> list[Write]:
    """Returns the writes that move several recipients of a campaign in one commit. See `move_writes`.

    Each slice is written once.
    """
    units: dict[int, Counter[str]] = {}
    writes: list[Write] = []
    for recipient, after, facts in moves:
        org_id, campaign_id, index = recipient.org_id, recipient.campaign_id, recipient.index
        moved = {"status": after.value, "due": None, **facts}
        writes.append(store.recipient_write(org_id, campaign_id, index, recipient.status, moved))
        if recipient.due:
            writes.append(store.due_delete_write(org_id, campaign_id, recipient.due, index))
        units.setdefault(index % SLICES, Counter()).update({recipient.status.value: -1})
        units[index % SLICES].update({after.value: 1})
        if recipient.status is RecipientStatus.PENDING and after is RecipientStatus.FAILED:
            units[index % SLICES].update({"blocked": 1})
    if moves:
        first = moves[0].recipient
        writes += [_add_write(first.org_id, first.campaign_id, slice_, dict(by), needs) for slice_, by in units.items()]
    return writes


def put_off_writes(recipient: Recipient, due: str) -> list[Write]:
    """Returns the writes that put a pending recipient off until a time. It stays pending.

    Raises StaleVersionError at commit if the recipient is not pending any more.
    """
    org_id, campaign_id, index = recipient.org_id, recipient.campaign_id, recipient.index
    return [
        store.recipient_write(org_id, campaign_id, index, RecipientStatus.PENDING, {"due": due}),
        store.due_write(org_id, campaign_id, due, index),
        *(
            [store.due_delete_write(org_id, campaign_id, recipient.due, index)]
            if recipient.due and recipient.due != due
            else []
        ),
    ]


def status_writes(before: TextMessage, after: TextMessage) -> Writes:
    """Returns the writes of a recipient whose text changes, for the text's own commit. Nothing for other texts.

    The recipient changes only together with its text, so that it needs no read.
    """
    if after.campaign_id is None or after.recipient is None:
        return None
    was, becomes = recipient_status_of(before), recipient_status_of(after)
    if was is becomes:
        return None
    facts = {"error_code": after.error_code}
    return _moved_writes(after.org_id, after.campaign_id, after.recipient, was, becomes, None, facts)


def recipient_status_of(text: TextMessage) -> RecipientStatus:
    """Returns the status of the recipient that a text of a campaign goes to."""
    status = _OF_TEXTS[text.status]
    if status is RecipientStatus.FAILED and text.error_code in OPTED_OUT_ERRORS:
        return RecipientStatus.OPTED_OUT
    if status is RecipientStatus.FAILED and text.error_code == CANCELED_ERROR:
        return RecipientStatus.CANCELED
    return status


def reply_writes(recipient: Recipient) -> list[Write]:
    """Returns the writes that count the first reply of a recipient.

    Raises StaleVersionError at commit if the recipient's status has changed, or if another reply is counted.
    """
    org_id, campaign_id, index = recipient.org_id, recipient.campaign_id, recipient.index
    facts = {"replied_at": clock.now_iso()}
    return [
        store.recipient_write(org_id, campaign_id, index, recipient.status, facts, missing="replied_at"),
        _add_write(org_id, campaign_id, index % SLICES, {"replied": 1}),
    ]


def _moved_writes(
    org_id: str,
    campaign_id: str,
    index: int,
    before: RecipientStatus,
    after: RecipientStatus,
    needs: Literal["open", "unended"] | None,
    facts: dict[str, Any],
) -> list[Write]:
    return [
        store.recipient_write(org_id, campaign_id, index, before, {"status": after.value, **facts}),
        _add_write(org_id, campaign_id, index % SLICES, {before.value: -1, after.value: 1}, needs),
    ]


def _add_write(
    org_id: str,
    campaign_id: str,
    number: int,
    units: dict[str, int],
    needs: Literal["open", "unended"] | None = None,
) -> Update:
    """Returns the write that adds units to the counters of a slice."""
    gate, refusal = {
        "open": ({"#gate": "open"}, GateClosedError),
        "unended": ({"#gate": "ended"}, CampaignEndedError),
        None: ({}, None),
    }[needs]
    return Update(
        table="core",
        key=_slice_key(org_id, campaign_id, number),
        expression="ADD " + ", ".join(f"#{name} :{name}" for name in units),
        names={f"#{name}": name for name in units} | gate,
        values={f":{name}": by for name, by in units.items()} | ({":gate": needs == "open"} if needs else {}),
        condition="#gate = :gate" if needs else "attribute_exists(pk)",
        otherwise=refusal,
    )
