"""Uses that nobody is billed for: a plan that nobody pays has a small part of them."""

from __future__ import annotations

from typing import Any

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.calls import summarizing
from switchboard.errors import QuotaExceeded
from switchboard.flows import transcription
from switchboard.kit import clock
from switchboard.replies import writing
from switchboard.usage import service as usage
from switchboard.voicemails import summarizing as digests
from switchboard.voicemails import transcribing
from tests.actors import tenant

#: The most that one use costs the platform, in cents: a question to a model, or minutes of speech.
_MOST_CENTS = {
    "model_replies": (writing.MODEL_REPLIES_PER_DAY, 1),
    "model_digests": (digests.MODEL_DIGESTS_PER_DAY, 1),
    "model_summaries": (summarizing.MODEL_SUMMARIES_PER_DAY, 1),
    "voicemail_transcriptions": (transcribing.TRANSCRIPTIONS_PER_DAY, 7),
    "transcriptions": (transcription.SAMPLES_PER_DAY, 3),
}


def count_uses(org_id: str, counter: str, limit: int) -> int:
    """Uses all that an organization has in a day. Returns how much that is."""
    org, used = organizations.get_organization(org_id), 0
    while True:
        try:
            usage.commit_within([usage.unbilled_charge(org, counter, limit)])
        except QuotaExceeded:
            return used
        used += 1


@pytest.mark.parametrize("counter", _MOST_CENTS)
def test_an_organization_that_pays_nothing_costs_little(cloud: Any, frozen: clock.FrozenClock, counter: str) -> None:
    limit, cents = _MOST_CENTS[counter]
    free = tenant("free", PlanName.FREE)
    assert count_uses(free.org_id, counter, limit) >= 1
    assert usage.unbilled_limit(organizations.get_organization(free.org_id), limit) * cents <= 400


def test_a_paid_plan_has_all_of_them(cloud: Any, frozen: clock.FrozenClock) -> None:
    acme = tenant("acme", PlanName.STARTER)
    assert count_uses(acme.org_id, "transcriptions", 7) == 7
