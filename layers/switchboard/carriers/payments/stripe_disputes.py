"""Disputes at Stripe: a cardholder takes a payment back through the bank."""

from __future__ import annotations

from itertools import islice
from typing import Any

from switchboard.carriers.payments.stripe_answers import reading

#: The states of a dispute that has taken the money, and has not given it back. An inquiry has not taken it.
_TAKEN = frozenset({"needs_response", "under_review", "appeal_needs_response", "appeal_under_review", "lost"})
#: The key in the metadata of a dispute with which an operator says that it is settled.
_SETTLED = "switchboard_settled"
#: The size of a page of a list, and the most charges that are read.
_PAGE, _MAX_CHARGES = 100, 1_000


def find_payer(client: Any, charge_id: str) -> str | None:
    """Returns the customer that a charge is of, `None` for a charge without one."""
    with reading():
        return _id_of(client.charges.retrieve(charge_id).customer)


def has_dispute(client: Any, customer_id: str) -> bool:
    """Whether a dispute has taken a payment of the customer. Stripe lists disputes only by charge."""
    with reading():
        listed = client.charges.list({"customer": customer_id, "limit": _PAGE})
        charges = [one.id for one in islice(listed.auto_paging_iter(), _MAX_CHARGES) if one.disputed]
        return any(
            _has_taken(one)
            for charge_id in charges
            for one in client.disputes.list({"charge": charge_id, "limit": _PAGE}).data
        )


def _has_taken(dispute: Any) -> bool:
    return dispute.status in _TAKEN and _SETTLED not in dispute.metadata


def _id_of(named: Any) -> str | None:
    return named if named is None or isinstance(named, str) else str(named.id)
