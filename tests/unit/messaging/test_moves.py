"""The moves between the statuses of a text."""

from __future__ import annotations

from itertools import permutations

import pytest

from switchboard.messaging import moves
from switchboard.messaging.models import Author, MessageStatus
from tests.unit.messaging.desk import make_conversation, make_text

REPORTS = ("accepted", "sent", "delivered", "read")


@pytest.mark.parametrize("order", list(permutations(REPORTS)))
def test_reports_in_any_order_end_in_the_same_status(order: tuple[str, ...]) -> None:
    text = make_text(make_conversation("org_1"), status=MessageStatus.SENDING)
    for report in order:
        if moves.can_become(text, MessageStatus(report)):
            text = text.model_copy(update={"status": MessageStatus(report)})
    assert text.status is MessageStatus.READ


@pytest.mark.parametrize("end", ["undelivered", "failed", "canceled"])
def test_a_failed_text_stays_failed(end: str) -> None:
    text = make_text(make_conversation("org_1"), status=MessageStatus(end))
    assert not [status for status in MessageStatus if moves.can_become(text, status)]


def test_a_provisional_verdict_is_corrected_by_a_report() -> None:
    text = make_text(make_conversation("org_1"), status=MessageStatus.FAILED, provisional=True)
    assert moves.can_become(text, MessageStatus.DELIVERED)
    assert not moves.can_become(text, MessageStatus.SENDING)


def test_a_text_that_came_in_never_moves() -> None:
    came = make_text(
        make_conversation("org_1"), direction="inbound", status=MessageStatus.RECEIVED, author=Author.CONTACT
    )
    assert not [status for status in MessageStatus if moves.can_become(came, status)]
