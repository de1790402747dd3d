"""The state of numbers, and the warnings about numbers without a registration."""

from __future__ import annotations

import pytest

from switchboard.brands import marking, service, store
from switchboard.brands.jobs import MarkNumber, MarkNumbers
from switchboard.carriers.outcomes import RefusedError, ThrottledError
from switchboard.carriers.registrations.ports.registry import RegistryIssue, RegistryReview
from switchboard.kit import clock
from switchboard.numbers import a2p
from switchboard.numbers import service as numbers
from switchboard.numbers.a2p import A2pStatus
from switchboard.numbers.models import Number
from switchboard.team.models import Member
from tests.conftest import Skips
from tests.integration.sabotage import Later, send_due
from tests.tables import each
from tests.unit.brands.desk import count_events, pass_time, save_drafts, submit_drafts
from tests.unit.brands.doubles import FakeRegistry
from tests.unit.calls.console_calls import save_number


class KilledError(BaseException):
    """The end of a worker between two calls."""


LOCAL, TOLL_FREE, CANADIAN = "+12125550101", "+18005550101", "+14165550101"
APPROVED = RegistryReview("approved")


@pytest.fixture
def number(ada: Member) -> Number:
    return save_number(ada.org_id, LOCAL)


def state_of(number: Number) -> A2pStatus:
    return a2p.status_of(numbers.get_number(number.org_id, number.id))


@each(
    "e164, wanted",
    [
        (LOCAL, A2pStatus.UNREGISTERED),
        ("+17875550101", A2pStatus.UNREGISTERED),
        (TOLL_FREE, A2pStatus.NOT_REQUIRED),
        (CANADIAN, A2pStatus.UNREGISTERED),
        ("+442079460018", A2pStatus.NOT_REQUIRED),
        ("12345", A2pStatus.NOT_REQUIRED),
    ],
)
def test_only_local_american_numbers_need_a_registration(e164: str, wanted: A2pStatus) -> None:
    now = "2026-01-15T17:00:00.000Z"
    one = Number(
        id="num_1", org_id="org_1", sid="PN1", e164=e164, friendly_name="x", monthly_cost_cents=1, provider="simulator",
        created_at=now, updated_at=now,
    )  # fmt: skip
    assert a2p.status_of(one) is wanted
    assert bool(a2p.list_warnings(one)) is (wanted is A2pStatus.UNREGISTERED or e164 == TOLL_FREE)
    assert a2p.list_warnings(one, "+442079460018") == []
    registered = a2p.list_warnings(one.model_copy(update={"a2p_status": "registered"}))
    assert [warning.code for warning in registered] == (["toll_free_unverified"] if e164 == TOLL_FREE else [])


def test_a_toll_free_number_is_blocked_in_canada_too() -> None:
    now = "2026-01-15T17:00:00.000Z"
    one = Number(
        id="num_1", org_id="org_1", sid="PN1", e164=TOLL_FREE, friendly_name="x", monthly_cost_cents=1,
        provider="simulator", created_at=now, updated_at=now,
    )  # fmt: skip
    for contact in (LOCAL, CANADIAN):
        assert [warning.code for warning in a2p.list_warnings(one, contact)] == ["toll_free_unverified"]


def test_numbers_follow_their_registration(
    ada: Member, number: Number, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    toll_free = save_number(ada.org_id, TOLL_FREE)
    save_drafts(ada)
    assert state_of(number) is A2pStatus.UNREGISTERED
    submit_drafts(ada)
    send_due(later, "workers/brands")
    assert state_of(number) is A2pStatus.PENDING
    registry.verdicts = {"brand": APPROVED, "campaign": RegistryReview("rejected", [RegistryIssue("1", "no")])}
    pass_time(later, frozen, minutes=10)
    assert state_of(number) is A2pStatus.REJECTED
    assert not registry.numbers
    service.submit_brand(ada)
    registry.verdicts["campaign"] = APPROVED
    pass_time(later, frozen, minutes=10)
    assert state_of(number) is A2pStatus.REGISTERED
    assert registry.numbers == {number.sid}
    assert numbers.get_number(ada.org_id, toll_free.id).a2p_status is None
    # pending, rejected, pending again and registered
    assert count_events("number.a2p") == {"number.a2p_changed": 4}


def test_a_new_number_joins_the_approved_campaign(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
    submit_drafts(ada)
    pass_time(later, frozen, minutes=10)
    number = save_number(ada.org_id, LOCAL)
    waits: list[Exception] = [ThrottledError("busy")]
    registry.before = lambda _: None

    def add(_: object, sid: str) -> None:
        if waits:
            raise waits.pop()
        registry.numbers.add(sid)

    registry.add_number = add  # type: ignore[method-assign, assignment]
    marking.mark_number(MarkNumber(org_id=ada.org_id, number_id=number.id))
    assert state_of(number) is A2pStatus.PENDING
    pass_time(later, frozen, minutes=15)
    assert state_of(number) is A2pStatus.REGISTERED


def test_a_number_that_the_registry_refuses_is_unregistered(
    ada: Member, number: Number, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    def refuse(_: object, sid: str) -> None:
        raise RefusedError("another service has it")

    registry.add_number = refuse  # type: ignore[method-assign, assignment]
    registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
    submit_drafts(ada)
    pass_time(later, frozen, minutes=10)
    assert state_of(number) is A2pStatus.UNREGISTERED


def test_a_registration_that_moves_while_numbers_are_marked_marks_them_again(
    ada: Member,
    number: Number,
    registry: FakeRegistry,
    later: Later,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    submit_drafts(ada)
    send_due(later, "workers/brands")
    old = service.get_brand(ada.org_id)
    registry.verdicts["brand"] = RegistryReview("rejected", [RegistryIssue("1", "no")])
    pass_time(later, frozen, minutes=5)
    found = iter([old])
    find = store.find_brand
    monkeypatch.setattr(store, "find_brand", lambda org_id: next(found, None) or find(org_id))
    marking.mark_numbers(MarkNumbers(org_id=ada.org_id))
    assert state_of(number) is A2pStatus.PENDING, "the old state was written last"
    pass_time(later, frozen, minutes=1)
    assert state_of(number) is A2pStatus.REJECTED


def approve(ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock) -> None:
    registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
    submit_drafts(ada)
    pass_time(later, frozen, minutes=10)


def test_many_numbers_are_marked_in_steps_and_each_joins_once(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(ada, registry, later, frozen)
    made = [save_number(ada.org_id, f"+1212555{place:04d}") for place in range(2 * marking.NUMBERS_PER_JOB + 1)]
    asked: list[str] = []
    monkeypatch.setattr(registry, "add_number", lambda _, sid: asked.append(sid))
    for _ in range(3):
        # Several verdicts and new numbers at once.
        marking.mark_numbers(MarkNumbers(org_id=ada.org_id))
    assert asked == [], "the walk asks nothing itself"
    pass_time(later, frozen, minutes=5)
    assert sorted(asked) == sorted(number.sid for number in made)
    assert {state_of(number) for number in made} == {A2pStatus.REGISTERED}


def test_a_new_number_asks_the_registry_for_itself_only(
    ada: Member, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    approve(ada, registry, later, frozen)
    made = [save_number(ada.org_id, f"+1212555{place:04d}") for place in range(3)]
    marking.mark_number(MarkNumber(org_id=ada.org_id, number_id=made[1].id))
    assert registry.numbers == {made[1].sid}


def test_two_workers_add_a_number_once(
    ada: Member,
    registry: FakeRegistry,
    later: Later,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
    skipped: Skips,
) -> None:
    approve(ada, registry, later, frozen)
    number = save_number(ada.org_id, LOCAL)
    job, asked = MarkNumber(org_id=ada.org_id, number_id=number.id), []

    def add(_: object, sid: str) -> None:
        asked.append(sid)
        if len(asked) == 1:
            marking.mark_number(job)
            assert skipped[-1][0] == "another job adds the number"
            raise KilledError

    monkeypatch.setattr(registry, "add_number", add)
    with pytest.raises(KilledError):
        marking.mark_number(job)
    assert len(asked) == 1
    frozen.advance(seconds=61)
    marking.mark_number(job)
    assert (len(asked), state_of(number)) == (2, A2pStatus.REGISTERED)
    marking.mark_number(job)
    assert len(asked) == 2


def test_a_registry_that_never_answers_is_asked_until_a_deadline(
    ada: Member,
    registry: FakeRegistry,
    later: Later,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    approve(ada, registry, later, frozen)
    number = save_number(ada.org_id, LOCAL)
    asked: list[str] = []

    def refuse(_: object, sid: str) -> None:
        asked.append(sid)
        raise ThrottledError("busy")

    monkeypatch.setattr(registry, "add_number", refuse)
    since = clock.now_iso()
    job = MarkNumber(org_id=ada.org_id, number_id=number.id, unanswered_since=since)
    while True:
        marking.mark_number(job)
        marking.mark_number(job)
        until = numbers.get_number(ada.org_id, number.id).a2p_claimed_until
        if until is None:
            break
        assert state_of(number) is A2pStatus.PENDING
        frozen.advance(seconds=(clock.parse(until) - clock.now()).total_seconds())
    # Each 10 minutes in the first hour, then each hour until the deadline, when both jobs ask.
    assert len(asked) == 6 + 71 + 2
    assert state_of(number) is A2pStatus.UNREGISTERED
    told, _ = [one for one in caplog.records if "does not add a number" in one.getMessage()]
    assert (told.__dict__["org_id"], told.__dict__["number_id"]) == (ada.org_id, number.id)


def test_a_released_number_keeps_its_state(ada: Member, number: Number) -> None:
    assert numbers.set_a2p_status(ada, number.id, A2pStatus.PENDING)
    assert numbers.set_a2p_status(ada, number.id, A2pStatus.PENDING) is None
