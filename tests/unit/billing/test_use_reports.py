"""The use beyond the plan is reported once a day, and each unit once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from switchboard.accounts import organizations
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import commit
from switchboard.billing import daily, store, subscriptions, use_reports
from switchboard.billing.jobs import ReportUse
from switchboard.carriers.outcomes import OutcomeUnknownError, RefusedError, ThrottledError
from switchboard.carriers.payments.ports.payments import MeteredUse
from switchboard.carriers.payments.simulator import SimulatedPayments
from switchboard.kit import clock
from switchboard.usage import service as usage
from switchboard.usage.models import Meter, SpendingReceipt
from tests.conftest import Skips
from tests.unit.billing.customer import Customer


@pytest.fixture
def starter(acme: Customer, frozen: clock.FrozenClock) -> Customer:
    """An organization with 110 minutes a month, which has paid for the whole month."""
    subscribe_on_the_first(acme, frozen, PlanName.STARTER)
    return acme


def subscribe_on_the_first(acme: Customer, frozen: clock.FrozenClock, plan: PlanName) -> None:
    """Subscribes on the first day of the month, and comes back to the present with all days reported."""
    # Tests use more than a new payer may.
    organizations.set_limit(acme.tenant.caller(master=True), "first_month_cents", 10_000_000)
    now = clock.now()
    go_to(frozen, clock.format_iso(now.replace(day=1)))
    acme.subscribe(plan)
    go_to(frozen, clock.format_iso(now))
    daily.run_daily(ReportUse(org_id=acme.org.id, day=acme.account.use_day or ""))
    assert acme.account.use_day == now.date().isoformat()


def run_day(acme: Customer, frozen: clock.FrozenClock) -> str:
    """Runs the job of the account's next day at its time. Returns the day."""
    day = acme.account.use_day
    assert day
    due = use_reports.report_time(acme.org.id, clock.parse(f"{day}T00:00:00Z").date())
    frozen.advance(seconds=max(0.0, (due - clock.now()).total_seconds()))
    daily.run_daily(ReportUse(org_id=acme.org.id, day=day))
    return day


def reported(acme: Customer) -> list[tuple[str, int]]:
    return [(one.key.removeprefix(f"{acme.org.id}:"), one.units) for one in acme.at_provider.uses]


def test_a_day_reports_the_minutes_beyond_the_plan(starter: Customer, frozen: clock.FrozenClock) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)
    run_day(starter, frozen)
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 3)
    run_day(starter, frozen)
    run_day(starter, frozen)
    assert reported(starter) == [("2026-01-15:voice_basic", 5), ("2026-01-16:voice_basic", 3)]
    assert [one["outcome"] for one in starter.recorded("billing.use_reported")] == ["sent", "sent"]
    assert starter.account.use_day == "2026-01-18"


def test_a_repeated_job_reports_nothing(starter: Customer, frozen: clock.FrozenClock, skipped: Skips) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)
    day = run_day(starter, frozen)
    daily.run_daily(ReportUse(org_id=starter.org.id, day=day))
    assert len(reported(starter)) == 1
    assert skipped[-1][0] == "the day is reported, or nobody subscribes"


def test_a_lost_answer_is_sent_again_with_the_same_key_and_units(
    starter: Customer, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)
    report = SimulatedPayments.report_use

    def report_and_lose(self: SimulatedPayments, use: MeteredUse) -> None:
        report(self, use)
        raise OutcomeUnknownError("lost")

    with monkeypatch.context() as patched:
        patched.setattr(SimulatedPayments, "report_use", report_and_lose)
        run_day(starter, frozen)
    assert starter.account.use_day == "2026-01-15"
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 100)
    frozen.advance(minutes=5)
    run_day(starter, frozen)
    assert reported(starter) == [("2026-01-15:voice_basic", 5)]
    run_day(starter, frozen)
    assert reported(starter)[1:] == [("2026-01-16:voice_basic", 100)]


def test_a_report_without_an_answer_for_a_day_is_never_sent_again(
    starter: Customer, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)

    def lose(*_: object) -> None:
        raise OutcomeUnknownError("lost")

    with monkeypatch.context() as patched:
        patched.setattr(SimulatedPayments, "report_use", lose)
        run_day(starter, frozen)
    frozen.advance(hours=24)
    run_day(starter, frozen)
    assert reported(starter) == []
    assert [one["outcome"] for one in starter.recorded("billing.use_reported")] == ["unconfirmed"]
    run_day(starter, frozen)
    assert reported(starter) == [], "the units may have been billed"


def test_refused_units_come_with_the_next_day(
    starter: Customer, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)

    def refuse(*_: object) -> None:
        raise RefusedError("no such meter")

    with monkeypatch.context() as patched:
        patched.setattr(SimulatedPayments, "report_use", refuse)
        run_day(starter, frozen)
    run_day(starter, frozen)
    assert reported(starter) == [("2026-01-16:voice_basic", 5)]


def test_the_last_day_of_a_month_reports_the_month_before(starter: Customer, frozen: clock.FrozenClock) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)
    while starter.account.use_day != "2026-01-31":
        run_day(starter, frozen)
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 2)
    frozen.advance(seconds=(clock.parse("2026-02-01T00:00:01Z") - clock.now()).total_seconds())
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 111)
    run_day(starter, frozen)
    assert clock.now() < clock.parse("2026-02-01T01:00:00Z"), "the invoice is still open"
    run_day(starter, frozen)
    assert reported(starter)[-2:] == [("2026-01-31:voice_basic", 2), ("2026-02-01:voice_basic", 1)]
    assert starter.at_provider.uses[-2].at == int(clock.parse("2026-01-31T23:59:59Z").timestamp())


def go_to(frozen: clock.FrozenClock, moment: str) -> None:
    frozen.advance(seconds=(clock.parse(moment) - clock.now()).total_seconds())


def correct(acme: Customer, units: int, month: str) -> None:
    """Corrects the use of a month, as the late end of a call does."""
    commit(usage.correction_write(acme.org, Meter.VOICE_BASIC, units, SpendingReceipt(period=month, capped=True)))


def run_days_until(acme: Customer, frozen: clock.FrozenClock, day: str) -> None:
    while acme.account.use_day != day:
        run_day(acme, frozen)


def test_a_call_over_the_end_of_a_month_is_billed_in_the_next_one(starter: Customer, frozen: clock.FrozenClock) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 111)
    run_days_until(starter, frozen, "2026-02-01")
    correct(starter, 59, "2026-01")
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 112)
    run_days_until(starter, frozen, "2026-04-01")
    assert reported(starter) == [
        ("2026-01-15:voice_basic", 1),
        ("2026-02-01:voice_basic:late", 59),
        ("2026-02-01:voice_basic", 2),
    ]
    late = starter.at_provider.uses[1]
    assert late.at == int(clock.parse("2026-02-01T23:59:59Z").timestamp()), "in the invoice of February"
    assert [one["month"] for one in starter.recorded("billing.use_reported")] == ["2026-01", "2026-01", "2026-02"]


def test_units_that_are_given_back_late_pay_for_the_next_month(starter: Customer, frozen: clock.FrozenClock) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 150)
    run_days_until(starter, frozen, "2026-02-01")
    correct(starter, -30, "2026-01")
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 120)
    run_day(starter, frozen)
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 25)
    run_days_until(starter, frozen, "2026-04-01")
    assert reported(starter) == [("2026-01-15:voice_basic", 40), ("2026-02-02:voice_basic", 5)]
    assert {one.state for one in store.list_use_reports(starter.org.id, "2026-02")} == {"credited", "sent"}


def test_a_credit_that_no_use_takes_is_told_to_an_operator(
    starter: Customer, frozen: clock.FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 150)
    run_days_until(starter, frozen, "2026-02-01")
    correct(starter, -30, "2026-01")
    run_days_until(starter, frozen, "2026-02-28")
    assert "billed too many" not in caplog.text
    run_day(starter, frozen)
    (told,) = [one for one in caplog.records if "billed too many" in one.getMessage()]
    assert (told.__dict__["month"], told.__dict__["meter"], told.__dict__["units"]) == ("2026-01", "voice_basic", 30)


def test_use_before_a_subscription_is_not_billed_late(starter: Customer, frozen: clock.FrozenClock) -> None:
    starter.deliver(starter.end())
    daily.run_daily(ReportUse(org_id=starter.org.id, day="2026-01-15"))
    # A call was longer than the free plan includes.
    correct(starter, 500, "2026-01")
    go_to(frozen, "2026-02-10T00:00:00Z")
    starter.subscribe(PlanName.STARTER)
    run_day(starter, frozen)
    assert reported(starter) == []


def test_a_report_after_the_invoice_of_its_month_is_in_the_next_invoice(
    starter: Customer, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_days_until(starter, frozen, "2026-01-31")
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)
    with monkeypatch.context() as patched:
        patched.setattr(SimulatedPayments, "report_use", report_without_answer)
        run_day(starter, frozen)
    go_to(frozen, "2026-02-01T03:00:00Z")
    run_day(starter, frozen)
    (sent,) = starter.at_provider.uses
    assert (sent.units, sent.at) == (5, int(clock.parse("2026-02-01T00:55:00Z").timestamp()))


def test_minutes_of_a_larger_plan_are_not_billed_after_a_smaller_one_began(
    acme: Customer, frozen: clock.FrozenClock
) -> None:
    subscribe_on_the_first(acme, frozen, PlanName.SCALE)
    usage.commit_spending(acme.org, Meter.VOICE_BASIC, 1_700)
    run_day(acme, frozen)
    acme.change(plan=PlanName.STARTER)
    run_days_until(acme, frozen, "2026-01-31")
    acme.deliver(acme.end())
    frozen.advance(minutes=10)
    daily.run_daily(ReportUse(org_id=acme.org.id, day="2026-01-31"))
    acme.subscribe(PlanName.STARTER)
    usage.commit_spending(acme.org, Meter.VOICE_BASIC, 103)
    run_days_until(acme, frozen, "2026-02-01")
    assert reported(acme) == [("2026-01-31:voice_basic", 3)]
    go_to(frozen, "2026-02-01T12:00:00Z")
    usage.commit_spending(acme.org, Meter.VOICE_BASIC, 112)
    run_day(acme, frozen)
    assert reported(acme)[1:] == [("2026-02-01:voice_basic", 2)], "the next month has the smaller plan"


def test_a_larger_plan_and_corrections_report_nothing_back(starter: Customer, frozen: clock.FrozenClock) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)
    run_day(starter, frozen)
    starter.change(plan=PlanName.GROWTH)
    run_day(starter, frozen)
    assert reported(starter) == [("2026-01-15:voice_basic", 5)]


def test_the_daily_job_finds_what_a_lost_notification_told(starter: Customer, frozen: clock.FrozenClock) -> None:
    starter.end()
    run_day(starter, frozen)
    assert starter.state == ("canceled", "free", False)
    assert (starter.account.use_day, starter.account.use_timer) == (None, None)


def report_without_answer(*_: object) -> None:
    raise OutcomeUnknownError("lost")


def test_the_use_of_the_last_day_of_a_subscription_is_reported(starter: Customer, frozen: clock.FrozenClock) -> None:
    starter.change(cancel_at_period_end=True)
    while starter.account.use_day != "2026-01-31":
        run_day(starter, frozen)
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 50_110)
    frozen.advance(seconds=(clock.parse("2026-02-01T00:00:02Z") - clock.now()).total_seconds())
    starter.deliver(starter.end())
    assert starter.state == ("canceled", "free", False)
    assert starter.account.use_due == clock.now_iso(), "the last invoice is open for an hour"
    daily.run_daily(ReportUse(org_id=starter.org.id, day="2026-01-31"))
    assert reported(starter) == [("2026-01-31:voice_basic", 50_000)]
    run_day(starter, frozen)
    assert reported(starter) == [("2026-01-31:voice_basic", 50_000)]
    assert starter.account.use_day is None
    assert starter.account.last_use is None


def test_use_of_a_subscription_that_ends_at_once_is_told_to_an_operator(
    starter: Customer, frozen: clock.FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)
    run_day(starter, frozen)
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 3)
    starter.deliver(starter.end())
    daily.run_daily(ReportUse(org_id=starter.org.id, day=starter.account.use_day or ""))
    (told,) = [one for one in caplog.records if "ended at once" in one.getMessage()]
    assert (told.__dict__["month"], told.__dict__["units"]) == ("2026-01", {"voice_basic": 8})


def test_use_at_the_end_of_a_period_has_an_invoice(
    starter: Customer, frozen: clock.FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    starter.change(cancel_at_period_end=True)
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)
    go_to(frozen, "2026-02-01T00:00:00Z")
    starter.deliver(starter.renew())
    assert starter.state == ("canceled", "free", False)
    daily.run_daily(ReportUse(org_id=starter.org.id, day=starter.account.use_day or ""))
    assert [units for _, units in reported(starter)] == [5]
    assert "ended at once" not in caplog.text


def test_use_counts_before_the_end_of_a_subscription_within_a_day(starter: Customer, frozen: clock.FrozenClock) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)
    starter.deliver(starter.end())
    ended = int(clock.epoch())
    frozen.advance(hours=2)
    daily.run_daily(ReportUse(org_id=starter.org.id, day="2026-01-15"))
    assert [(one.units, one.at) for one in starter.at_provider.uses] == [(5, ended - 1)], "not beyond the free plan"
    assert starter.account.use_day is None


def test_a_reserved_report_and_the_days_after_it_survive_the_end(
    starter: Customer, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)
    with monkeypatch.context() as patched:
        patched.setattr(SimulatedPayments, "report_use", report_without_answer)
        run_day(starter, frozen)
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 3)
    frozen.advance(minutes=10)
    starter.deliver(starter.end())
    daily.run_daily(ReportUse(org_id=starter.org.id, day="2026-01-15"))
    daily.run_daily(ReportUse(org_id=starter.org.id, day="2026-01-16"))
    assert reported(starter) == [("2026-01-15:voice_basic", 5), ("2026-01-16:voice_basic", 3)]
    assert starter.account.use_day is None


def test_a_subscription_that_begins_again_keeps_its_waiting_report(starter: Customer) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)
    starter.deliver(starter.end())
    starter.subscribe(PlanName.STARTER)
    assert starter.account.last_use is None
    daily.run_daily(ReportUse(org_id=starter.org.id, day="2026-01-15"))
    assert reported(starter) == [("2026-01-15:voice_basic", 5)]
    assert starter.account.use_day == "2026-01-16"


def test_a_lost_job_is_sent_again_by_the_next_read(starter: Customer, frozen: clock.FrozenClock) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)
    frozen.advance(days=20)
    subscriptions.check_payment(starter.org.id)
    assert (starter.account.use_day, starter.account.use_due) == ("2026-01-15", clock.now_iso())
    due = starter.account.use_due
    frozen.advance(minutes=1)
    subscriptions.check_payment(starter.org.id)
    assert starter.account.use_due == due, "not once more"
    days = [run_day(starter, frozen) for _ in range(3)]
    assert days == ["2026-01-15", "2026-01-31", "2026-02-04"], "the days between are in the next report"
    assert reported(starter) == [("2026-01-15:voice_basic", 5)]


def test_a_job_stops_at_the_first_report_without_an_answer(
    starter: Customer, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch, skipped: Skips
) -> None:
    for meter in (Meter.VOICE_BASIC, Meter.VOICE_PREMIUM, Meter.NUMBER_LOCAL):
        usage.commit_spending(starter.org, meter, 150)
    asked = []

    def hang(_: SimulatedPayments, use: MeteredUse) -> None:
        asked.append(use.meter)
        frozen.advance(seconds=30)
        raise OutcomeUnknownError("hangs")

    with monkeypatch.context() as patched:
        patched.setattr(SimulatedPayments, "report_use", hang)
        day = run_day(starter, frozen)
        assert len(asked) == 1, "the others would not fit into the time of the queue"
        # The same message again, and another one that was planned before.
        daily.run_daily(ReportUse(org_id=starter.org.id, day=day))
        assert len(asked) == 1
        assert skipped[-1][0] == "a later job reports the day"
    frozen.advance(minutes=5)
    run_day(starter, frozen)
    assert len(reported(starter)) == 3


def test_a_job_with_slow_answers_leaves_the_rest_to_the_next_one(
    starter: Customer, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for meter in (Meter.VOICE_BASIC, Meter.VOICE_PREMIUM, Meter.NUMBER_LOCAL):
        usage.commit_spending(starter.org, meter, 150)
    report = SimulatedPayments.report_use

    def take_long(self: SimulatedPayments, use: MeteredUse) -> None:
        frozen.advance(seconds=15)
        report(self, use)

    monkeypatch.setattr(SimulatedPayments, "report_use", take_long)
    run_day(starter, frozen)
    assert len(reported(starter)) == 2
    frozen.advance(minutes=5)
    run_day(starter, frozen)
    assert len(reported(starter)) == 3


def test_a_daily_job_without_an_answer_comes_once_a_day_after_a_deadline(
    starter: Customer, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise ThrottledError("resource_missing")

    usage.commit_spending(starter.org, Meter.VOICE_BASIC, 115)
    org_id, since, pauses = starter.org.id, None, []
    with monkeypatch.context() as patched:
        patched.setattr(SimulatedPayments, "fetch_subscription", refuse)
        for _ in range(100):
            job = ReportUse(org_id=org_id, day="2026-01-15", unanswered_since=since)
            go_to(frozen, starter.account.use_due or "")
            since = since or clock.now_iso()
            daily.run_daily(job)
            due = starter.account.use_due
            assert due
            pauses.append(clock.parse(due) - clock.now())
    minutes = [int(pause.total_seconds()) // 60 for pause in pauses]
    assert minutes == [5] * 12 + [60] * 71 + [1440] * 17
    told = [one for one in caplog.records if "does not tell a subscription" in one.getMessage()]
    assert [one.__dict__["org_id"] for one in told] == [org_id] * 17
    go_to(frozen, starter.account.use_due or "")
    daily.run_daily(ReportUse(org_id=org_id, day="2026-01-15", unanswered_since=since))
    assert [units for _, units in reported(starter)] == [5]


def test_organizations_are_spread_over_half_an_hour() -> None:
    day = clock.parse("2026-01-31T00:00:00Z").date()
    times = {use_reports.report_time(f"org_{number}", day) for number in range(200)}
    assert len(times) == 30
    midnight = clock.parse("2026-02-01T00:00:00Z")
    assert midnight + timedelta(minutes=5) <= min(times) <= max(times) < midnight + timedelta(minutes=35)


def test_a_report_is_kept_with_its_day(starter: Customer, frozen: clock.FrozenClock) -> None:
    usage.commit_spending(starter.org, Meter.VOICE_PREMIUM, 112)
    run_day(starter, frozen)
    (kept,) = store.list_use_reports(starter.org.id, "2026-01")
    assert (kept.day, kept.meter, kept.units, kept.state) == ("2026-01-15", "voice_premium", 2, "sent")
