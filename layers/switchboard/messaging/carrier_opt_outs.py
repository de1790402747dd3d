"""Decides what a refusal of the carrier because of an opt-out (21610) changes.

The carrier blocks each of our numbers apart, and the ledger holds for all of them. So the refusal is an opt-out only if
the contact has not opted in after the latest STOP to this number. Otherwise the ledger knows more than the carrier: the
text fails, and says that the contact must reply START to this number.
"""

from __future__ import annotations

from typing import NamedTuple

from switchboard.aws import reads
from switchboard.aws.writes import Writes, commit
from switchboard.compliance import ledgers
from switchboard.messaging import store, text_events
from switchboard.messaging.models import TextMessage

#: Why the ledger has the opt-out of a person who sent STOP to the carrier.
_CARRIER_REASON = "reported by the carrier"
_ONLY_HERE = (
    "The contact stopped the texts of this number at the carrier, and has opted in again with another one since:"
    " the contact must reply START to this number."
)


class CarrierOptOut(NamedTuple):
    """The writes that opt a contact out, or the reason to tell if the ledger stays as it is."""

    writes: Writes = None
    reason: str | None = None


def find_carrier_opt_out(message: TextMessage) -> CarrierOptOut:
    """Returns what follows from the refusal of a text.

    The writes raise AlreadyOptedOutError at commit, and StaleVersionError if the contact has opted in since.
    """
    opt_in, talk = reads.read_refs(
        ledgers.opt_in_ref(message.org_id, message.contact_e164),
        store.conversation_ref(message.org_id, message.conversation_id),
    )
    stopped_at = (talk.last_stop_at if talk else None) or ""
    if opt_in is not None and opt_in.opted_in_at > stopped_at:
        return CarrierOptOut(reason=_ONLY_HERE)
    origin = text_events.text_origin(message)
    _, added = ledgers.opt_out_writes(origin, message.contact_e164, "keyword", reason=_CARRIER_REASON)
    return CarrierOptOut([added, ledgers.same_opt_in_check(message.org_id, message.contact_e164, opt_in)])


def record_carrier_opt_out(message: TextMessage) -> None:
    """Opts a contact out, if the refusal of a text is an opt-out. Raises StaleVersionError."""
    found = find_carrier_opt_out(message)
    if found.writes is None:
        return
    try:
        commit(found.writes)
    except ledgers.AlreadyOptedOutError:
        return
