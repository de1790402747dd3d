"""Many at once, on the engine: one effect, one winner, and no limit ever exceeded."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

import httpx
import pytest

from switchboard.access import keys as access
from switchboard.accounts import organizations
from switchboard.accounts.models import HardCap
from switchboard.accounts.plans import PlanName
from switchboard.agents import service as agents
from switchboard.audit import chain, sealing
from switchboard.audit import service as audit
from switchboard.audit import store as audit_store
from switchboard.aws import secret
from switchboard.aws.writes import commit
from switchboard.carriers import mail
from switchboard.edge import rate_limit
from switchboard.email import delivery
from switchboard.email import service as email
from switchboard.email.jobs import SendMail
from switchboard.email.models import MailDraft, Message
from switchboard.errors import Conflict, Contended, QuotaExceeded
from switchboard.events import service as events
from switchboard.events.models import Actor, Subject, SystemActor
from switchboard.kit import chance, clock, ids
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.signup import service as signup
from switchboard.timers import service as timers
from switchboard.timers import store as timer_store
from switchboard.timers.jobs import FireTimers
from switchboard.usage import charges
from switchboard.usage import service as usage
from tests.actors import Tenant, tenant, with_effect
from tests.fakes.mail import MailCarrier
from tests.integration.conftest import SignedUp
from tests.integration.sabotage import Sabotage, drain, everything

T = TypeVar("T")

MAIL = {"to": "you@example.com", "subject": "Hello", "body": "From an agent."}


@pytest.fixture(autouse=True)
def _any_slice(_first_slice: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Usage is counted on any slice, as in a deployment."""
    monkeypatch.setattr(charges, "choose_slice", chance.below)


def at_once(jobs: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Start the jobs together, a thread each. Answers what each of them gave or raised."""
    ready = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T | Exception:
        ready.wait()
        try:
            return job()
        except Exception as error:  # noqa: BLE001 a refusal is an outcome here
            return error

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def draft(recipients: int = 1) -> MailDraft:
    return MailDraft(to=[f"you+{number}@example.com" for number in range(recipients)], subject="s", body="b")


def messages(acme: Tenant) -> list[Message]:
    return email.list_messages(acme.caller(master=True), None, {}, 100, None)[0]


def told(acme: Tenant, kind: str) -> int:
    """How many events of a kind there are."""
    found = (item for item in everything("activity") if item.get("outbox") == {"S": "event"})
    return sum(item["type"] == {"S": kind} and item["org_id"] == {"S": acme.org_id} for item in found)


# --- one key, many requests ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("engine_cloud")
@pytest.mark.parametrize("number", [2, 8])
def test_equal_requests_at_once_have_one_effect_and_all_learn_of_it(number: int) -> None:
    acme = tenant()
    caller = acme.caller()
    sent = at_once([lambda: email.send_message(with_effect(caller, "key"), draft())] * number)
    assert {message.id for message in sent if isinstance(message, Message)} == {
        message.id for message in messages(acme)
    }
    assert (len(sent), len(messages(acme)), told(acme, "email.queued")) == (number, 1, 1)
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["email"] == 1


@pytest.mark.parametrize("number", [2, 8])
def test_equal_requests_at_once_over_http_are_replayed_byte_for_byte_or_told_to_wait(
    stack: Any, http: httpx.Client, acme: SignedUp, number: int
) -> None:
    headers = acme.agent | {"Idempotency-Key": f"at-once-{number}"}
    clients = [httpx.Client(base_url=stack.url, timeout=20) for _ in range(number)]
    answers = at_once([lambda one=one: one.post("/v1/email/send", json=MAIL, headers=headers) for one in clients])
    for client in clients:
        client.close()
    given = [answer for answer in answers if isinstance(answer, httpx.Response)]
    assert len(given) == number
    assert {answer.status_code for answer in given} <= {200, 409}
    first = [answer for answer in given if answer.status_code == 200 and "idempotent-replayed" not in answer.headers]
    assert len(first) == 1
    for answer in given:
        if answer.status_code == 409:
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json()["code"] == "CONFLICT"
        else:
            assert answer.content == first[0].content
    again = http.post("/v1/email/send", json=MAIL, headers=headers)
    assert (again.content, again.headers["idempotent-replayed"]) == (first[0].content, "true")
    assert len(http.get("/v1/email/messages", headers=acme.agent).json()["items"]) == 1


@pytest.mark.usefixtures("engine_cloud")
def test_a_mail_whose_job_comes_many_times_at_once_is_handed_over_once(monkeypatch: pytest.MonkeyPatch) -> None:
    carrier = MailCarrier()
    monkeypatch.setattr(mail, "mail_carrier", lambda: carrier)
    acme = tenant()
    for _ in range(3):
        message = email.send_message(acme.caller(), draft())
        carrier.sent.clear()
        at_once([lambda one=message: delivery.send_queued(one.org_id, one.id)] * 4)
        assert [outbound.message_id for outbound in carrier.sent] == [message.id]
    assert told(acme, "email.sent") == 3


@pytest.mark.usefixtures("engine_cloud")
def test_a_commit_whose_answer_is_lost_is_applied_once() -> None:
    acme = tenant(plan=PlanName.STARTER)
    caller = acme.caller()
    Sabotage().lose_answer("TransactWriteItems")
    email.send_message(caller, draft())
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["email"] == 1
    assert len(messages(acme)) == 1


# --- limits -------------------------------------------------------------------------------------------------------


def outcome(results: list[Any]) -> Counter[type]:
    return Counter(type(result) for result in results)


@pytest.mark.usefixtures("engine_cloud")
@pytest.mark.parametrize("plan", [PlanName.STARTER, PlanName.SCALE])
def test_a_monthly_quota_is_reached_exactly_and_never_exceeded_by_parallel_sends(plan: PlanName) -> None:
    acme = tenant(plan=plan, emails_per_month=6)
    caller = acme.caller()
    results = at_once([lambda: email.send_message(caller, draft())] * 10)
    assert outcome(results) == {Message: 6, QuotaExceeded: 4}
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["email"] == 6
    assert (len(messages(acme)), told(acme, "email.queued")) == (6, 6)


@pytest.mark.usefixtures("engine_cloud")
@pytest.mark.parametrize("plan", [PlanName.STARTER, PlanName.SCALE])
def test_the_hard_cap_is_reached_exactly_and_never_exceeded_by_parallel_sends(plan: PlanName) -> None:
    acme = tenant(plan=plan)
    organizations.set_hard_cap(acme.caller(master=True), HardCap(enabled=True, monthly_cap_cents=1))
    access.clear_cache()
    caller = acme.caller()
    # A cent is twenty recipients.
    results = at_once([lambda: email.send_message(caller, draft(5))] * 8)
    assert outcome(results) == {Message: 4, QuotaExceeded: 4}
    assert {result.code for result in results if isinstance(result, QuotaExceeded)} == {"hard_cap"}
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).spent_micros == 10_000
    assert (len(messages(acme)), told(acme, "email.queued")) == (4, 4)


@pytest.mark.usefixtures("engine_cloud")
@pytest.mark.parametrize("plan", [PlanName.STARTER, PlanName.GROWTH])
def test_a_day_of_an_organization_and_of_its_key_is_full_exactly(plan: PlanName) -> None:
    org = organizations.get_organization(tenant(plan=plan).org_id)
    full = QuotaExceeded("Full.", code="daily_cap", resource="key", current=5, cap=5)

    def count() -> None:
        both = [usage.daily_charge(org, "basic_calls", 9), usage.daily_charge_of_key(org, "key_1", 5, full)]
        usage.commit_within(both)

    assert outcome(at_once([count] * 12)) == {type(None): 5, QuotaExceeded: 7}
    assert usage.used_in_month(org.id, clock.now_iso()[:10], "basic_calls") == 5


@pytest.mark.usefixtures("engine_cloud")
def test_mails_of_any_size_at_once_stay_within_both_limits_of_a_sliced_plan() -> None:
    acme = tenant(plan=PlanName.SCALE, emails_per_month=25)
    organizations.set_hard_cap(acme.caller(master=True), HardCap(enabled=True, monthly_cap_cents=1))
    access.clear_cache()
    caller = acme.caller()
    sizes = [1, 7, 3, 5, 2, 6, 4, 1, 3]
    results = at_once([lambda size=size: email.send_message(caller, draft(size)) for size in sizes])
    accepted = sum(len(result.recipients) for result in results if isinstance(result, Message))
    assert accepted <= 20
    # What was refused was more than was left.
    refused = [size for size, result in zip(sizes, results, strict=True) if isinstance(result, QuotaExceeded)]
    assert len(refused) + len(messages(acme)) == len(sizes)
    assert usage.get_monthly_usage(acme.org_id, clock.now_iso()[:7]).units["email"] == accepted


@pytest.mark.usefixtures("engine_cloud")
def test_no_more_agents_than_the_plan_allows_are_made_at_once() -> None:
    acme = tenant(agents=4)
    caller = acme.caller(master=True)
    results = at_once([lambda n=n: agents.create_agent(caller, f"agent-{n}", "n", {}) for n in range(8)])
    assert outcome(results) == {agents.NewAgent: 3, QuotaExceeded: 5}
    assert len(agents.list_agents(acme.org_id, 100, None)[0]) == 4


class OneOfEach(threading.local):
    """A process's memory of limits, where each thread plays a process."""

    def __init__(self) -> None:
        memory = rate_limit.LimiterMemory()
        self.refusals, self.leases = memory.refusals, memory.leases


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "_memory", OneOfEach())


def until_refused(bucket: str, per_minute: int, per_second: int) -> int:
    passed = 0
    while rate_limit.count_request(bucket, per_minute, per_second).allowed:
        passed += 1
    return passed


@pytest.mark.usefixtures("engine_cloud", "processes")
@pytest.mark.parametrize(
    ("per_minute", "per_second", "expected"),
    [
        pytest.param(30, 100, [30, 0], id="the minute's, one by one"),
        pytest.param(1_000, 20, [20, 20], id="the second's, one by one"),
        pytest.param(10_000, 700, [700, 700], id="the second's, leased"),
        pytest.param(2_000, 1_200, [1_200, 800], id="the minute's, leased"),
    ],
)
def test_as_many_requests_pass_as_the_limits_allow_and_not_one_more(
    frozen: clock.FrozenClock, per_minute: int, per_second: int, expected: list[int]
) -> None:
    for allowed in expected:
        passed = at_once([lambda: until_refused("org", per_minute, per_second)] * 4)
        assert sum(count for count in passed if isinstance(count, int)) == allowed
        frozen.advance(seconds=1)


@pytest.mark.usefixtures("engine_cloud")
def test_a_window_of_its_own_lets_no_more_pass_either(frozen: clock.FrozenClock) -> None:
    windows = at_once([lambda: rate_limit.count_in_window("sign-up#1", 5, 3_600)] * 8)
    assert windows.count(None) == 5


# --- timers -------------------------------------------------------------------------------------------------------


@pytest.fixture
def org(engine_cloud: dict[str, str], frozen: clock.FrozenClock) -> str:
    timer_store.advance_watermark(clock.now_iso()[:16])
    drain("email")  # the client is made before the threads want it
    return "org_1"


def set_timer(org: str, number: int) -> str:
    later = timers.schedule(SendMail(org_id=org, message_id=f"msg_{number}"), clock.now() + timedelta(minutes=16))
    commit(later.write)
    assert later.ref is not None
    return later.ref


def shards(frozen: clock.FrozenClock) -> list[FireTimers]:
    """The jobs of the minutes in which such timers are due."""
    span = {
        "first": clock.format_iso(clock.now())[:16],
        "last": clock.format_iso(clock.now() + timedelta(minutes=20))[:16],
    }
    frozen.advance(minutes=17)
    return [FireTimers(shard=shard, **span) for shard in range(timer_store.SHARDS)]


def test_workers_that_have_the_same_shard_at_once_lose_no_timer_and_leave_none(
    org: str, frozen: clock.FrozenClock
) -> None:
    for number in range(12):
        set_timer(org, number)
    (shard,) = shards(frozen)
    assert at_once([lambda: timers.fire_timers(shard)] * 3) == [None] * 3
    sent = {body["message_id"] for body in drain("email")}
    assert sent == {f"msg_{number}" for number in range(12)}
    assert not any(item["pk"]["S"].startswith("timer#") for item in everything("activity"))


def test_ticks_at_once_hand_every_minute_out(org: str, frozen: clock.FrozenClock) -> None:
    frozen.advance(minutes=1)
    handed_out = [count for count in at_once([timers.run_tick] * 3) if isinstance(count, int)]
    assert 1 <= sum(handed_out) <= 3
    assert len(drain("timers")) == sum(handed_out)
    assert timers.run_tick() == 0


def test_a_timer_that_becomes_moot_while_it_fires_comes_at_most_once_and_is_gone(
    org: str, frozen: clock.FrozenClock
) -> None:
    for round_ in range(6):
        ref = set_timer(org, round_)
        (shard,) = shards(frozen)
        at_once([lambda shard=shard: timers.fire_timers(shard), lambda ref=ref: commit(timers.cancel_writes(ref))])
        assert len(drain("email")) <= 1
        assert not any(item["pk"]["S"].startswith("timer#") for item in everything("activity"))


# --- the audit chain ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("engine_cloud")
@pytest.mark.parametrize("together", [5, 99])
def test_sealers_at_once_make_one_chain_without_gaps_or_doubles(monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    monkeypatch.setattr(audit_store, "MAX_RECEIPTS_PER_READ", together)
    work = SystemActor(org_id="org_1", actor=Actor(type="system", id="test"), agent_id=None, correlation_id="corr_1")
    made = [
        events.new_event(work, "roleplay.call.live", Subject(type="roleplay_call", id=str(number)))
        for number in range(60)
    ]
    commit(events.event_write(event) for event in made)

    def seal(batch: list[events.Event]) -> int:
        try:
            return sealing.seal_events("org_1", batch)
        except Contended:
            return seal(batch)  # the queue brings it again

    halves = [made[:40], made[20:], made[::-1], made[10:50]]
    added = at_once([lambda batch=batch: seal(batch) for batch in halves])
    assert sum(number for number in added if isinstance(number, int)) == 60
    documents = list(audit.export_documents("org_1", 0, 1_000))
    assert Counter(document["id"] for document in documents) == Counter(event.id for event in made)
    verdict = chain.verify_export(documents)
    assert (verdict.fault, verdict.head) == (None, audit.get_head("org_1").hash)
    places, more = audit_store.list_places("org_1", "corr_1", 0, 1_000)
    assert ([place.seq for place in places], more) == (list(range(1, 61)), False)
    seen, _ = audit_store.list_events_after("org_1", "corr_1", None)
    assert {one.event.id: one.seq for one in seen} == {document["id"]: document["seq"] for document in documents}


# --- sign-up --------------------------------------------------------------------------------------------------------


def sign_up(human: str, username: str, effect: IdempotencyKey | None = None) -> signup.SignUpResult:
    return signup.sign_up(human, username, None, ids.new_id("corr"), effect)


def owners_of_items() -> set[str]:
    """Every organization that anything at all is kept for."""
    owners = {item["org_id"]["S"] for table in ("core", "activity") for item in everything(table) if "org_id" in item}
    return owners | {org.id for org in organizations.list_organizations(100)[0]}


@pytest.mark.usefixtures("engine_cloud")
def test_one_human_who_signs_up_many_times_at_once_gets_one_organization() -> None:
    results = at_once([lambda n=n: sign_up("me@example.com", f"agent-{n}") for n in range(4)])
    assert outcome(results) == {signup.SignUpResult: 1, Conflict: 3}
    assert {result.code for result in results if isinstance(result, Conflict)} == {"owner_exists"}
    assert len(owners_of_items()) == 1


@pytest.mark.usefixtures("engine_cloud")
def test_one_username_that_is_wanted_many_times_at_once_goes_to_one() -> None:
    results = at_once([lambda n=n: sign_up(f"human-{n}@example.com", "agent") for n in range(4)])
    assert outcome(results) == {signup.SignUpResult: 1, Conflict: 3}
    assert {result.code for result in results if isinstance(result, Conflict)} == {"username_taken"}
    assert len(owners_of_items()) == 1


@pytest.mark.usefixtures("engine_cloud")
def test_one_sign_up_that_is_sent_many_times_at_once_gives_every_sender_the_same_keys() -> None:
    secret.derive("warm")

    def same() -> signup.SignUpResult:
        return sign_up("me@example.com", "agent", IdempotencyKey("ip#192.0.2.1", "k" * 22, "fingerprint"))

    results = at_once([same] * 4)
    assert outcome(results) == {signup.SignUpResult: 4}
    assert len({(made.agent.id, made.agent_key, made.master_key) for made in results if isinstance(made, tuple)}) == 1
    assert len(owners_of_items()) == 1
