"""Brands under faults: after a kill between any two AWS calls, before or after the registry acts, each thing is made
once at the registry, and each state and each event comes once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import count

import pytest

from switchboard.aws import queues
from switchboard.brands import drafts, marking, registering, service
from switchboard.brands.jobs import AdvanceRegistration, MarkNumber, MarkNumbers, WatchRegistration
from switchboard.carriers.registrations.ports.registry import RegistryIssue, RegistryReview
from switchboard.errors import Conflict
from switchboard.kit import clock
from switchboard.numbers import a2p
from switchboard.numbers import service as numbers
from switchboard.team.models import Member
from switchboard.timers import store as timer_store
from tests.actors import member, tenant
from tests.integration.sabotage import Killed, Later, Sabotage, run_worker, send_due
from tests.unit.brands.desk import count_events, pass_time, save_drafts, states_of, submit_drafts
from tests.unit.brands.doubles import FakeRegistry
from tests.unit.calls.console_calls import save_number

APPROVED = RegistryReview("approved")
REJECTED = RegistryReview("rejected", [RegistryIssue("TAX_ID", "It does not fit the name.", "ein")])
ALL_ONCE = {"customer_profile": 1, "a2p_profile": 1, "brand": 1, "messaging_service": 1, "campaign": 1}


@pytest.fixture
def saboteur(cloud: dict[str, str], frozen: clock.FrozenClock) -> Sabotage:
    timer_store.advance_watermark(clock.now_iso()[:16])
    return Sabotage()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> FakeRegistry:
    made = FakeRegistry()
    for module in (registering, service, marking):
        monkeypatch.setattr(module, "get_registry", lambda: made)
    return made


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    held = Later(queues.try_send_messages)
    monkeypatch.setattr(queues, "try_send_messages", held)
    return held


def new_admins() -> Iterator[Member]:
    """Yields an admin of another organization in each round."""
    for number in count():
        yield member(tenant(f"acme{number}").org_id)


def advance(who: Member) -> None:
    turn = service.get_brand(who.org_id).turn
    registering.advance_registration(AdvanceRegistration(org_id=who.org_id, turn=turn))


def test_a_submission_that_was_killed_anywhere_is_whole_or_nothing(saboteur: Sabotage, registry: FakeRegistry) -> None:
    for done, ada in enumerate(new_admins()):
        save_drafts(ada)
        finished = []
        with saboteur.killing(after=done):
            service.submit_brand(ada)
            finished.append(True)
        if states_of(ada.org_id) == ("draft", "draft"):
            service.submit_brand(ada)
        else:
            with pytest.raises(Conflict):
                service.submit_brand(ada)
        assert states_of(ada.org_id) == ("submitted", "submitted")
        assert service.get_brand(ada.org_id).attempt == 1
        if finished:
            assert done > 1
            return


@pytest.mark.parametrize("step", range(5))
def test_a_step_that_was_killed_anywhere_makes_its_thing_once(
    saboteur: Sabotage, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock, step: int
) -> None:
    for done, ada in enumerate(new_admins()):
        registry.made.clear()
        registry.updated.clear()
        registry.verdicts = {"brand": APPROVED}
        before = count_events()
        submit_drafts(ada)
        # Three steps of the brand, its verdict, and the first step of the campaign.
        for _ in range(step if step < 3 else step + 1):
            advance(ada)
        registry.verdicts = {}
        finished = []
        with saboteur.killing(after=done):
            advance(ada)
            finished.append(True)
        # The message of the killed worker comes again, at once and later.
        advance(ada)
        registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
        pass_time(later, frozen, minutes=12)
        assert states_of(ada.org_id) == ("approved", "approved")
        assert registry.made == ALL_ONCE
        words = ("submitted", "pending", "approved", "draft_saved")
        assert count_events() - before == {f"{a}.{b}": 1 for a in ("brand", "brand_campaign") for b in words}
        if finished:
            assert done > 1
            return


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", list(ALL_ONCE))
def test_a_worker_that_dies_beside_the_registry_makes_nothing_twice(
    saboteur: Sabotage, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock, step: str, moment: str
) -> None:
    ada = next(new_admins())
    dead: list[str] = []

    def die(name: str) -> None:
        if name == step and not dead:
            dead.append(name)
            raise Killed

    setattr(registry, moment, die)
    submit_drafts(ada)
    registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
    for _ in range(20):
        try:
            pass_time(later, frozen, minutes=1)
        except Killed:
            continue
        run_worker("workers/brands")
    assert dead == [step]
    assert states_of(ada.org_id) == ("approved", "approved")
    assert registry.made == ALL_ONCE


@pytest.mark.parametrize("verdict", [APPROVED, REJECTED])
def test_a_verdict_that_was_killed_anywhere_is_applied_once(
    saboteur: Sabotage, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock, verdict: RegistryReview
) -> None:
    for done, ada in enumerate(new_admins()):
        before = count_events()
        submit_drafts(ada, campaign=False)
        send_due(later, "workers/brands")
        registry.verdicts = {"brand": verdict}
        finished = []
        with saboteur.killing(after=done):
            advance(ada)
            finished.append(True)
        pass_time(later, frozen, minutes=5)
        registry.verdicts = {}
        assert states_of(ada.org_id)[0] == verdict.outcome
        assert (count_events() - before)[f"brand.{verdict.outcome}"] == 1
        if finished:
            assert done > 1
            return


def test_marking_that_was_killed_anywhere_ends_with_all_numbers_registered(
    saboteur: Sabotage, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
    for done, ada in enumerate(new_admins()):
        submit_drafts(ada)
        pass_time(later, frozen, minutes=5)
        made = [save_number(ada.org_id, f"+1212555{done:02d}{place:02d}") for place in range(2)]
        before, finished = count_events("number.a2p"), []
        with saboteur.killing(after=done):
            for one in made:
                marking.mark_number(MarkNumber(org_id=ada.org_id, number_id=one.id))
            finished.append(True)
        frozen.advance(seconds=61)
        # The walk of a verdict has the same numbers.
        marking.mark_numbers(MarkNumbers(org_id=ada.org_id))
        pass_time(later, frozen, minutes=2)
        found = [numbers.get_number(ada.org_id, one.id) for one in made]
        assert {a2p.status_of(one) for one in found} == {a2p.A2pStatus.REGISTERED}
        assert (count_events("number.a2p") - before).total() == 2
        if finished:
            assert done > 1
            return


def test_two_admins_who_submit_at_once_submit_once(saboteur: Sabotage, registry: FakeRegistry) -> None:
    met: list[str] = []
    for done, ada in enumerate(new_admins()):
        bob = member(ada.org_id, name="Bob")
        save_drafts(ada)
        won: list[str] = []

        def submit(who: Member, name: str, won: list[str]) -> None:
            with suppress(Conflict):
                service.submit_brand(who)
                won.append(name)

        with saboteur.meeting(done, partial(submit, bob, "bob", won)):
            submit(ada, "ada", won)
            calls = len(saboteur.calls)
        if not won or done >= calls:
            submit(bob, "bob", won)
        assert len(won) == 1
        met += won
        assert service.get_brand(ada.org_id).attempt == 1
        if done > calls:
            break
    assert set(met) == {"ada", "bob"}
    assert count_events()["brand.submitted"] == len(met)


def test_an_admin_who_edits_while_another_submits_changes_it_before_or_is_refused(
    saboteur: Sabotage, registry: FakeRegistry
) -> None:
    def rename(who: Member) -> None:
        drafts.save_brand(who, {"display_name": "Bob's"})

    outcomes = set()
    for done, ada in enumerate(new_admins()):
        bob = member(ada.org_id, name="Bob")
        save_drafts(ada)
        with saboteur.meeting(done, partial(rename, bob)):
            brand = service.submit_brand(ada)
            calls = len(saboteur.calls)
        outcomes.add(brand.display_name)
        assert brand == service.get_brand(ada.org_id), "the answer is the stored brand"
        if done >= calls:
            break
    assert outcomes == {"Lakeside Clinic", "Bob's"}


def test_a_watch_that_was_killed_anywhere_ends_the_approval_once(
    saboteur: Sabotage, registry: FakeRegistry, later: Later, frozen: clock.FrozenClock
) -> None:
    for done, ada in enumerate(new_admins()):
        registry.verdicts = {"brand": APPROVED, "campaign": APPROVED}
        submit_drafts(ada)
        pass_time(later, frozen, minutes=12, step=4)
        assert states_of(ada.org_id) == ("approved", "approved")
        registry.verdicts["brand"] = REJECTED
        before, asked = count_events(), registry.questions
        watch = WatchRegistration(org_id=ada.org_id, attempt=service.get_brand(ada.org_id).attempt)
        finished = []
        with saboteur.killing(after=done):
            registering.watch_registration(watch)
            finished.append(True)
        # The message of the killed worker comes again.
        registering.watch_registration(watch)
        assert states_of(ada.org_id) == ("rejected", "approved")
        assert count_events() - before == {"brand.rejected": 1}
        assert service.get_brand(ada.org_id).watch == 1
        if finished:
            assert done > 1
            return
        assert registry.questions - asked <= 3
