"""Every item that the services write is of one kind, and ends as its kind says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from infra import retention_page, topology
from switchboard.accounts import service as accounts
from switchboard.accounts.models import KeyKind
from switchboard.aws import clock, queue
from switchboard.aws.effect import Effect
from switchboard.aws.table import commit, decode_item
from switchboard.calls import lanes_store, pacing_store
from switchboard.calls import store as calls
from switchboard.carriers.voice.reports import ToolUse, Turn
from switchboard.compliance import amending, ledgers
from switchboard.compliance import store as compliance_store
from switchboard.compliance.data.law import Cap
from switchboard.contacts import backfill
from switchboard.contacts.jobs import IndexContacts
from switchboard.email import service as email
from switchboard.email import store as mail_store
from switchboard.email.models import Draft
from switchboard.flows import service as flows
from switchboard.flows.models import Settings
from switchboard.kit.change import Moved
from switchboard.kit.retention import KINDS, Ender, kinds_of
from switchboard.people import service as people
from switchboard.people import sign_in
from switchboard.people import store as people_store
from switchboard.people.models import SignIn
from switchboard.roleplay import lifecycle, scoring
from switchboard.roleplay import service as roleplay
from switchboard.signup import service as signup
from switchboard.streams import pools
from switchboard.streams import store as stream_store
from switchboard.team import invites, places
from switchboard.team.permissions import Role
from switchboard.timers import service as timers
from switchboard.timers import store as timer_store
from switchboard.webhooks import delivery, parking_store
from switchboard.webhooks import service as webhooks
from switchboard.webhooks.models import Settings as WebhookSettings
from switchboard.webhooks.parking_store import Parked
from tests.actors import person, reseller, tenant, with_effect
from tests.integration.sabotage import Later, everything, pass_on
from tests.unit.contacts.book import ADA, called, saved
from tests.unit.opticomm.backend import backend
from tests.unit.roleplay.conftest import practised
from tests.unit.webhooks.receiver import Receiver

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

TTL = {table.name: table.ttl for table in topology.TABLES}
#: DynamoDB's own delay, and what kinds add so that a reader still finds what has just ended.
SLACK = timedelta(days=2)


#: Every worker that takes a queue's jobs: whatever any of them writes is met. The tick runs that of the timers.
WORKERS = [one.name for one in topology.WORKERS if one.queue and one.name != "workers/timers"]

#: No request of a life comes through the edge with an Idempotency-Key, where Powertools writes these.
UNMET = {"response to a request"}


def a_life(later: Later) -> None:
    """An organization that does a little of everything, and all that follows from it."""
    acme = tenant()
    master = acme.caller(master=True)
    org = accounts.organisation(acme.org_id)
    accounts.rotate_key(with_effect(master, "again"), accounts.create_key(master, KeyKind.MASTER, "m").key.id, 60)
    flow = Settings(name="Ada", kind="outbound", provider_agent_id="agent_1")
    flows.create(master, flow)
    signup.sign_up("human@example.com", "human", None, "corr_1", Effect("192.0.2.1", "key", "same"))

    ada = person("Ada")
    cookie = people.open_session(ada, None)
    founded = accounts.new_organisation("Own", "own", org.plan)
    places.found_organization(ada, founded, "corr_1", None, lambda org_id: people.looking_at(cookie, org_id))
    first, *_ = (invites.create_invite(master, org, "Ada", f"{name}@example.com", Role.VIEWER) for name in ("ada", "b"))
    invites.accept_invite(ada, first.id, "corr_1")

    today = clock.now().date()
    amending.add(master.actor, kind="closure", place="US-LA", first=today, last=today, source="an emergency")
    ledgers.block(master, "+12125550001")
    ledgers.opt_out(master, "+12125550002", "manual")
    ledgers.record_consent(master, "+12125550003", "business-relationship")

    saved(acme, notes="alpha beta", display_name="Ada Park", time_zone="America/New_York")
    called(acme, ADA)
    backfill.start(master)
    webhooks.register(master, "anima", WebhookSettings(url="https://example.com/hook"))
    to = ["you@example.com", "bounce@simulator.amazonses.com", "complaint@simulator.amazonses.com"]
    sent = email.send(acme.caller(), Draft(to=to, subject="Hello", body="Body"))

    commit(compliance_store.remember_answer(ADA, clock.now().date(), "no", clock.now()))
    commit(compliance_store.count_attempt(acme.org_id, ADA, "sale", [Cap(3)], clock.now(), Moved))
    shared = (pacing_store.shared_key(ADA), pacing_store.shared_key("account#AC1"))
    paces = (pacing_store.org_key(org.id), pacing_store.number_key(org.id, ADA), *shared)
    assert all(pacing_store.go(key, 1_000, 1_000) for key in paces)
    commit(lanes_store.put_waiting(org.id, "live", f"{clock.stamp()}#call_1"))
    callers = backend(slug="callers")
    assert callers.initiate(request_id="r-1", webhook_url="https://example.com/call").is_success
    placed = calls.CALLS.get(acme.org_id, called(acme, "+12125550009").subject.id)
    assert placed is not None
    turn = Turn(number=1, speaker="agent", text="Hello", start_ms=0, end_ms=1)
    commit(calls.put_turn(placed, turn), calls.put_tool(placed, ToolUse(id="t-1", name="look_up", start_ms=1)))
    (shard, *_) = pools.shards(org.plan)
    assert all(stream_store.take(id_, "str_1", "me", 5, None) for id_ in (stream_store.key_of_org(org.id), shard.id))

    rep = reseller("other")
    call = practised(rep)
    lifecycle.apply(lifecycle.Progress(org_id=call.org_id, call_id=call.id, kind="ended"))
    scoring.score(call.org_id, call.id)
    roleplay.switch_drill(rep.caller(), "ma-full-sale", on=False)

    job = IndexContacts(org_id=acme.org_id, contact_ids=[])
    commit(timers.later(job, clock.now() + timedelta(hours=1)).write)
    unreadable = {**timer_store.key(_timer(job)), "id": "x"}
    timers._set_aside(unreadable, "x", "it cannot be parsed")
    pass_on(later, *WORKERS)
    email.label(acme.caller(), sent.id, ["seen"], [])
    stops = [mail_store.suppress_system_mail("b@example.com", reason) for reason in ("bounce", "complaint")]
    commit(mail_store.put_received(sent, "digest", Moved), stops)
    stopped = tenant("stopped").caller(master=True)
    accounts.revoke_key(stopped, stopped.key.id)
    accounts.set_status(stopped, "suspended")
    parking_store.put([Parked(acme.org_id, "wh_1", "dlv_1", 1, "2026#dlv_1#00001")])
    until = clock.iso(clock.now() + timedelta(seconds=sign_in.TIME))
    commit(people_store.put_sign_in("digest", SignIn(return_to="/", browser="digest", expires_at=until)))


def _timer(job: IndexContacts) -> Any:
    return timer_store.Timer(
        id="tmr_00000000000000000000000001", org_id=job.org_id, due=clock.stamp(), queue=job.queue, body=job.body
    )


def items() -> list[tuple[str, str, dict[str, Any]]]:
    found = []
    for table in topology.TABLES:
        for item in map(decode_item, everything(table.name)):
            found.append((table.name, "|".join(item[name] for name in table.keys), item))
    return found


@pytest.fixture
def later(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Later:
    """What the queues hold back. Webhooks arrive at a receiver of the test's own."""
    receiver, held = Receiver(), Later(queue.send_all)
    monkeypatch.setattr(delivery, "client", lambda: receiver)
    monkeypatch.setattr(queue, "send_all", held)
    return held


def test_every_item_is_of_one_kind_and_ends_as_its_kind_says(later: Later) -> None:
    a_life(later)
    met = set()
    for table, key, item in items():
        kinds = kinds_of(table, key)
        assert len(kinds) == 1, f"{table}: {key} is of {len(kinds)} kinds: give it a row in switchboard.kit.retention"
        (kind,) = kinds
        met.add(kind.what)
        ends = item.get(TTL[table] or "")
        assert (ends is not None) is (kind.ender is Ender.TTL), (
            f"{table}: {key} has {ends}, and {kind.what} {kind.ender}"
        )
        if kind.life and ends is not None:
            left = timedelta(seconds=int(ends) + 1 - clock.epoch())
            assert kind.life <= left <= kind.life + SLACK, f"{kind.what} is kept for {left}"
    assert {kind.what for kind in KINDS} - met == UNMET, "let a_life write what has a row"


def test_a_kind_says_how_long_it_lives_if_and_only_if_a_time_ends_it() -> None:
    assert all((kind.life is not None) is (kind.ender is Ender.TTL) is bool(kind.since) for kind in KINDS)
    assert {kind.table for kind in KINDS} == {table.name for table in topology.TABLES}
    assert len({(kind.table, kind.keys) for kind in KINDS}) == len(KINDS)


def test_the_page_is_as_the_rows_are() -> None:
    assert retention_page.PAGE.read_text() == retention_page.text(), "run: make openapi"
