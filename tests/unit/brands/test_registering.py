"""The way of a brand and its campaign: submitted, handed over step by step, reviewed."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from switchboard.brands import drafts, registering, service
from switchboard.brands.jobs import AdvanceRegistration, RecheckRegistration, WatchRegistration
from switchboard.brands.models import Brand
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.registrations.ports.registry import RegistryIssue, RegistryReview, ReviewPendingError
from switchboard.errors import Conflict, Invalid, Unavailable
from switchboard.events import service as events
from switchboard.events.models import Subject
from switchboard.fanout.routes import messages_of
from switchboard.kit import clock
from switchboard.numbers import service as numbers
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.team.models import Member
from switchboard.timers import store as timer_store
from tests.actors import system
from tests.integration.sabotage import Later, send_due
from tests.unit.brands.desk import (
    CAMPAIGN,
    TOP,
    count_events,
    pass_time,
    save_drafts,
    states_of,
    submit_drafts,
)
from tests.unit.brands.doubles import FakeRegistry
from tests.unit.calls.console_calls import save_number

APPROVED = RegistryReview("approved")
TAX_ID = RegistryReview("rejected", [RegistryIssue("TAX_ID", "It does not fit the name.", "ein")])


def work(later: Later) -> None:
    send_due(later, "workers/brands")


def test_a_brand_and_its_campaign_go_to_the_registry_one_after_the_other(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    brand = submit_drafts(ada)
    assert states_of(ada.org_id) == ("submitted", "submitted")
    work(later)
    assert states_of(ada.org_id) == ("pending", "submitted")
    assert registry.made == {"customer_profile": 1, "a2p_profile": 1, "brand": 1}
    pass_time(later, frozen, minutes=10)
    assert states_of(ada.org_id) == ("pending", "submitted")
    registry.verdicts["brand"] = APPROVED
    pass_time(later, frozen, minutes=20)
    assert states_of(ada.org_id) == ("approved", "pending")
    registry.verdicts["campaign"] = APPROVED
    pass_time(later, frozen, minutes=20)
    assert states_of(ada.org_id) == ("approved", "approved")
    words = ("submitted", "pending", "approved", "draft_saved")
    names = {f"{what}.{word}": 1 for what in ("brand", "brand_campaign") for word in words}
    assert count_events() == names
    assert service.get_brand(ada.org_id).id == brand.id
    assert set(registry.made.values()) == {1}


def test_the_registry_is_asked_less_and_less_often(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    submit_drafts(ada)
    work(later)
    pass_time(later, frozen, minutes=60, step=1)
    first = registry.questions
    pass_time(later, frozen, minutes=1_440, step=30)
    assert 5 <= first <= 7
    assert 4 <= registry.questions - first <= 10


def test_a_second_submit_is_refused_while_the_first_one_is_under_way(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    submit_drafts(ada)
    for _ in range(3):
        with pytest.raises(Conflict) as refused:
            service.submit_brand(ada)
        assert refused.value.code == "registration_pending"
        pass_time(later, frozen, minutes=5)
    registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
    pass_time(later, frozen, minutes=30)
    with pytest.raises(Conflict) as refused:
        service.submit_brand(ada)
    assert refused.value.code == "already_approved"
    with pytest.raises(Conflict) as refused:
        drafts.save_brand(ada, {"display_name": "Other"})
    assert refused.value.code == "brand_approved"
    assert set(registry.made.values()) == {1}


def test_a_repeated_submission_gets_its_first_answer(ada: Member, registry: FakeRegistry) -> None:
    save_drafts(ada)
    key = IdempotencyKey(scope=ada.org_id, key="submit", fingerprint="f")
    assert service.submit_brand(ada, key) == service.submit_brand(ada, key)
    assert count_events()["brand.submitted"] == 1


def test_a_submission_names_all_wrong_fields_at_once(ada: Member, registry: FakeRegistry) -> None:
    save_drafts(ada, state="XX")
    drafts.save_brand(ada, {"ein": "1"})
    drafts.save_campaign(ada, {"usecase": None, "samples": ["x"]})
    with pytest.raises(Invalid) as refused:
        service.submit_brand(ada)
    wrong = refused.value.details["fields"]
    assert wrong.keys() == {"ein", "payload.state", "campaign.usecase", "campaign.samples"}
    assert states_of(ada.org_id) == ("draft", "draft")


def test_nothing_at_all_is_refused_with_all_required_fields(ada: Member, registry: FakeRegistry) -> None:
    with pytest.raises(Invalid) as refused:
        service.submit_brand(ada)
    assert {"display_name", "ein", "payload.entity_type"} <= refused.value.details["fields"].keys()
    assert "campaign.usecase" not in refused.value.details["fields"]
    assert service.get_brand(ada.org_id).version == 0


def test_a_deployment_without_a_registry_says_so(ada: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    save_drafts(ada)
    monkeypatch.setenv("SWITCHBOARD_NUMBERS_CARRIER", "none")
    with pytest.raises(Unavailable) as refused:
        service.submit_brand(ada)
    assert refused.value.code == "no_registry"


def test_a_rejected_brand_is_edited_and_sent_again_with_the_same_things(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    submit_drafts(ada)
    registry.verdicts["brand"] = TAX_ID
    pass_time(later, frozen, minutes=5)
    brand = service.get_brand(ada.org_id)
    assert states_of(ada.org_id) == ("rejected", "draft")
    assert [(one.code, one.field) for one in brand.errors] == [("TAX_ID", "ein")]
    drafts.save_brand(ada, {"ein": "13-3456789"})
    assert states_of(ada.org_id) == ("rejected", "draft")
    registry.verdicts = {}
    again = service.submit_brand(ada)
    assert (again.errors, again.attempt) == ([], 2)
    pass_time(later, frozen, minutes=5)
    assert states_of(ada.org_id) == ("pending", "submitted")
    assert registry.made == {"customer_profile": 1, "a2p_profile": 1, "brand": 1}
    assert registry.updated == {"customer_profile": 1, "a2p_profile": 1, "brand": 1}
    assert registry.orders[-1].brand["ein"] == "133456789"
    registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
    pass_time(later, frozen, minutes=30)
    assert states_of(ada.org_id) == ("approved", "approved")
    assert count_events()["brand.rejected"] == 1


def test_another_form_of_business_gets_other_things(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    submit_drafts(ada, campaign=False)
    registry.verdicts["brand"] = TAX_ID
    pass_time(later, frozen, minutes=5)
    sole = {
        "entity_type": "SOLE_PROPRIETOR",
        "company_name": None,
        "vertical": None,
        "first_name": "A",
        "last_name": "L",
    }
    drafts.save_brand(ada, {"ein": None, "payload": sole})
    service.submit_brand(ada)
    pass_time(later, frozen, minutes=1)
    assert registry.made["brand"] == 2
    assert len({order.label for order in registry.orders}) == 2


def test_a_rejected_campaign_is_sent_again_without_its_brand(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    submit_drafts(ada)
    registry.verdicts = {"brand": APPROVED, "campaign": RegistryReview("rejected", [RegistryIssue("30886", "Why?")])}
    pass_time(later, frozen, minutes=10)
    assert states_of(ada.org_id) == ("approved", "rejected")
    drafts.save_campaign(ada, {"description": CAMPAIGN["description"] + " They ask first."})
    registry.verdicts["campaign"] = APPROVED
    service.submit_brand(ada)
    pass_time(later, frozen, minutes=10)
    assert states_of(ada.org_id) == ("approved", "approved")
    assert registry.updated == {"messaging_service": 1, "campaign": 1}


def test_a_campaign_that_is_saved_later_is_submitted_alone(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    submit_drafts(ada, campaign=False)
    pass_time(later, frozen, minutes=2)
    drafts.save_campaign(ada, CAMPAIGN)
    service.submit_brand(ada)
    assert states_of(ada.org_id) == ("pending", "submitted")
    registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
    pass_time(later, frozen, minutes=30)
    assert states_of(ada.org_id) == ("approved", "approved")


def test_an_approved_brand_without_a_campaign_asks_for_one(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    submit_drafts(ada, campaign=False)
    registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
    pass_time(later, frozen, minutes=5)
    with pytest.raises(Conflict, match="save a campaign") as refused:
        service.submit_brand(ada)
    assert refused.value.code == "brand_approved"
    drafts.save_campaign(ada, CAMPAIGN)
    service.submit_brand(ada)
    pass_time(later, frozen, minutes=5)
    assert states_of(ada.org_id) == ("approved", "approved")


def test_a_busy_registry_and_a_review_of_a_bundle_only_take_time(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    waits: list[Exception] = [ThrottledError("busy"), ReviewPendingError("in review"), ThrottledError("busy")]

    def be_busy(step: str) -> None:
        if step == "brand" and waits:
            raise waits.pop()

    registry.before = be_busy
    submit_drafts(ada)
    pass_time(later, frozen, minutes=20)
    assert states_of(ada.org_id)[0] == "pending"
    assert registry.made["brand"] == 1


def test_a_step_without_an_answer_is_not_repeated_before_it_must_have_ended(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    lost: list[str] = []

    def lose_answer(step: str) -> None:
        if step == "brand" and not lost:
            lost.append(step)
            raise OutcomeUnknownError("no answer")

    registry.after = lose_answer
    submit_drafts(ada)
    work(later)
    assert states_of(ada.org_id)[0] == "submitted"
    turn = service.get_brand(ada.org_id).turn
    frozen.advance(seconds=30)
    registering.advance_registration(AdvanceRegistration(org_id=ada.org_id, turn=turn))
    assert registry.updated["brand"] == 0
    pass_time(later, frozen, minutes=2)
    assert states_of(ada.org_id)[0] == "pending"
    assert (registry.made["brand"], registry.updated["brand"]) == (1, 1)


def test_a_step_that_is_refused_rejects_the_brand(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    def refuse(step: str) -> None:
        raise RefusedError("no such street")

    registry.before = refuse
    submit_drafts(ada)
    work(later)
    assert states_of(ada.org_id) == ("rejected", "draft")
    assert "no such street" in service.get_brand(ada.org_id).errors[0].message


def test_a_job_that_comes_twice_does_its_step_once(ada: Member, registry: FakeRegistry) -> None:
    turn = submit_drafts(ada).turn
    job = AdvanceRegistration(org_id=ada.org_id, turn=turn)
    registering.advance_registration(job)
    registering.advance_registration(job)
    assert sum(registry.made.values()) == 1
    assert not registry.updated


def test_news_of_the_registry_is_only_a_reason_to_ask(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    brand = submit_drafts(ada)
    work(later)
    before = service.get_brand(ada.org_id)
    registering.check_registration(ada.org_id, brand.id)
    assert service.get_brand(ada.org_id) == before
    registering.check_registration(ada.org_id, "brd_other")
    assert registry.questions == 1
    registry.verdicts["brand"] = APPROVED
    registering.check_registration(ada.org_id, brand.id)
    assert states_of(ada.org_id)[0] == "approved"
    registering.check_registration(ada.org_id, brand.id)


def test_a_lost_job_is_found_by_the_watch(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    brand = submit_drafts(ada)
    later.bring()
    frozen.advance(days=1, minutes=1)
    registering.watch_registration(WatchRegistration(org_id=ada.org_id, attempt=brand.attempt + 1))
    assert not registry.made
    registering.watch_registration(WatchRegistration(org_id=ada.org_id, attempt=brand.attempt))
    timer_store.advance_watermark(clock.now_iso()[:16])
    work(later)
    assert states_of(ada.org_id)[0] == "pending"


def approve_all(who: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock) -> Brand:
    registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
    submit_drafts(who)
    pass_time(later, frozen, minutes=10)
    assert states_of(who.org_id) == ("approved", "approved")
    return service.get_brand(who.org_id)


@pytest.mark.parametrize("part", ["brand", "campaign"])
@pytest.mark.parametrize("told", [True, False])
def test_an_approval_that_the_registry_takes_back_is_a_rejection(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock, part: str, *, told: bool
) -> None:
    number = save_number(ada.org_id, "+12125550101")
    brand = approve_all(ada, registry, later, frozen)
    registry.verdicts[part] = RegistryReview("rejected", [RegistryIssue("30033", "It was suspended.")])
    if told:
        registering.check_registration(ada.org_id, brand.id)
    pass_time(later, frozen, minutes=60 if told else 60 * 25, step=60)
    assert dict(zip(("brand", "campaign"), states_of(ada.org_id), strict=True))[part] == "rejected"
    assert numbers.get_number(ada.org_id, number.id).a2p_status == "rejected"
    after = service.get_brand(ada.org_id)
    errors = after.errors if part == "brand" else after.campaign.errors if after.campaign else []
    assert [one.code for one in errors] == ["30033"]
    assert count_events()[f"{part}.rejected" if part == "brand" else "brand_campaign.rejected"] == 1
    if part == "brand":
        drafts.save_brand(ada, {"display_name": "Lakeside"})
    else:
        drafts.save_campaign(ada, {"description": CAMPAIGN["description"] + " They ask first."})
    registry.verdicts[part] = APPROVED
    service.submit_brand(ada)
    pass_time(later, frozen, minutes=10)
    assert states_of(ada.org_id) == ("approved", "approved")
    assert numbers.get_number(ada.org_id, number.id).a2p_status == "registered"


def test_the_brand_is_suspended_while_its_campaign_is_reviewed(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    registry.verdicts = {"brand": APPROVED}
    brand = submit_drafts(ada)
    pass_time(later, frozen, minutes=10)
    assert states_of(ada.org_id) == ("approved", "pending")
    registry.verdicts["brand"] = TAX_ID
    registering.check_registration(ada.org_id, brand.id)
    assert states_of(ada.org_id) == ("rejected", "pending")
    registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
    pass_time(later, frozen, minutes=60, step=30)
    assert states_of(ada.org_id) == ("rejected", "pending")
    service.submit_brand(ada)
    pass_time(later, frozen, minutes=10)
    assert states_of(ada.org_id) == ("approved", "approved")


def test_an_approval_holds_while_the_registry_is_silent_or_reviews_it_again(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    brand = approve_all(ada, registry, later, frozen)
    for _ in range(2):
        asked = registry.questions
        pass_time(later, frozen, minutes=60 * 72, step=60 * 6)
        assert registry.questions - asked == 6, "each day the brand and the campaign"
        # A watch that comes again asks again, and starts no second row of watches.
        last = service.get_brand(ada.org_id).watch - 1
        registering.watch_registration(WatchRegistration(org_id=ada.org_id, attempt=brand.attempt, number=last))
        registering.watch_registration(WatchRegistration(org_id=ada.org_id, attempt=brand.attempt))
        assert registry.questions - asked == 8
    registry.verdicts = {}
    registering.check_registration(ada.org_id, brand.id)
    for error in (ThrottledError("busy"), OutcomeUnknownError("silent"), RefusedError("no subaccount")):
        monkeypatch.setattr(registry, "fetch_review", Mock(side_effect=error))
        registering.check_registration(ada.org_id, brand.id)
    assert states_of(ada.org_id) == ("approved", "approved")
    assert service.get_brand(ada.org_id).updated_at == brand.updated_at


def test_refused_texts_have_the_registry_asked_once(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    job = RecheckRegistration(org_id=ada.org_id)
    registering.recheck_registration(job)
    approve_all(ada, registry, later, frozen)
    asked = registry.questions
    for _ in range(3):
        registering.recheck_registration(job)
    assert registry.questions == asked + 2, "the brand and its campaign"
    frozen.advance(minutes=11)
    registry.verdicts["campaign"] = RegistryReview("rejected", [RegistryIssue("30990", "It is suspended.")])
    registering.recheck_registration(job)
    assert states_of(ada.org_id) == ("approved", "rejected")


@pytest.mark.parametrize(("code", "jobs"), [("30990", 1), ("30034", 1), ("30007", 0)])
def test_a_text_that_fails_for_its_registration_starts_a_question(ada: Member, code: str, jobs: int) -> None:
    facts = {
        "conversation": "con_1",
        "contact": "0" * 64,
        "number": "num_1",
        "author": "user",
        "segments": 1,
        "error": code,
    }
    event = events.new_event(system(ada.org_id), "sms.failed", Subject(type="text", id="msg_1"), **facts)
    sent = [one.body["job"] for one in messages_of(event)]
    assert sent.count("RecheckRegistration") == jobs


def test_a_registration_at_another_registry_waits(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit_drafts(ada)
    monkeypatch.setenv("SWITCHBOARD_NUMBERS_CARRIER", "none")
    pass_time(later, frozen, minutes=5)
    assert not registry.made
    monkeypatch.setenv("SWITCHBOARD_NUMBERS_CARRIER", "simulator")
    pass_time(later, frozen, minutes=30)
    assert states_of(ada.org_id)[0] == "pending"
    assert TOP["display_name"] == registry.orders[0].brand["display_name"]
