"""Sole proprietors: the text that they answer, and the one number of their campaign."""

from __future__ import annotations

import pytest

from switchboard.brands import marking, registering, service, verification
from switchboard.brands.jobs import MarkNumbers, SendVerification
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.registrations.ports.registry import VERIFICATION_NEEDED, RegistryIssue, RegistryReview
from switchboard.errors import Conflict
from switchboard.kit import clock
from switchboard.numbers import service as numbers
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team.models import Member
from tests.integration.sabotage import Later, send_due
from tests.unit.brands.desk import count_events, pass_time, states_of, submit_proprietor
from tests.unit.brands.doubles import FakeRegistry
from tests.unit.calls.console_calls import save_number

WAITS = RegistryReview("pending", [RegistryIssue(VERIFICATION_NEEDED, "Answer the text.", "mobile_phone")])


def test_a_brand_says_that_the_registry_waits_for_an_answer(
    ada: Member, later: Later, frozen: clock.FrozenClock
) -> None:
    brand = submit_proprietor(ada)
    assert (brand.status, [one.code for one in brand.errors]) == ("pending", ["verification_needed"])
    pass_time(later, frozen, minutes=30, step=10)
    assert states_of(ada.org_id)[0] == "pending"
    assert count_events("brand.verification") == {"brand.verification_needed": 1}
    verification.request_verification(ada)
    pass_time(later, frozen, minutes=120, step=30)
    after = service.get_brand(ada.org_id)
    assert (after.status, after.errors) == ("approved", [])


def test_a_text_is_sent_again_once_for_each_request(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    submit_proprietor(ada)
    effect = IdempotencyKey(scope=ada.org_id, key="resend", fingerprint="f")
    asked = verification.request_verification(ada, effect)
    assert verification.request_verification(ada, effect) == asked
    with pytest.raises(Conflict) as refused:
        verification.request_verification(ada)
    assert refused.value.code == "verification_just_sent"
    send_due(later, "workers/brands")
    assert asked.verification_asked_at
    verification.send_verification(SendVerification(org_id=ada.org_id, asked_at=asked.verification_asked_at))
    assert registry.texts == 1
    frozen.advance(minutes=6)
    verification.request_verification(ada)
    send_due(later, "workers/brands")
    assert registry.texts == 2


@pytest.mark.parametrize(
    ("error", "texts"), [(ThrottledError("busy"), 1), (OutcomeUnknownError("silent"), 0), (RefusedError("no"), 0)]
)
def test_only_a_busy_registry_is_asked_again(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock, error: Exception, texts: int
) -> None:
    submit_proprietor(ada)
    errors = [error]

    def fail(_: str) -> None:
        if errors:
            raise errors.pop()

    registry.before = fail
    registry.verdicts["brand"] = WAITS
    verification.request_verification(ada)
    pass_time(later, frozen, minutes=4)
    assert registry.texts == texts


def test_no_text_is_sent_where_nobody_has_to_answer(ada: Member, registry: FakeRegistry) -> None:
    with pytest.raises(Conflict) as refused:
        verification.request_verification(ada)
    assert refused.value.code == "verification_not_needed"
    brand = submit_proprietor(ada)
    registry.verdicts["brand"] = RegistryReview("approved")
    registering.check_registration(ada.org_id, brand.id)
    with pytest.raises(Conflict):
        verification.request_verification(ada)


def test_the_oldest_local_number_of_a_sole_proprietor_joins(ada: Member, frozen: clock.FrozenClock) -> None:
    first = save_number(ada.org_id, "+12125550101")
    frozen.advance(minutes=1)
    second = save_number(ada.org_id, "+12125550102")
    brand = submit_proprietor(ada)
    assert [marking.may_join_campaign(brand, one) for one in (first, second)] == [True, False]
    company = brand.model_copy(update={"form": "company"})
    assert marking.may_join_campaign(company, second)
    marking.mark_numbers(MarkNumbers(org_id=ada.org_id))
    assert numbers.get_number(ada.org_id, second.id).a2p_status == "pending"
