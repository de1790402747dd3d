"""Every item that the services write belongs to one kind, and ends as its kind says."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra import retention_page, topology
from switchboard.accounts import keys, organizations
from switchboard.accounts.models import KeyKind
from switchboard.aws import queues
from switchboard.aws.dynamodb import decode_item
from switchboard.aws.writes import commit
from switchboard.calls import lanes_store, pacing_store
from switchboard.calls import store as calls
from switchboard.carriers.voice.ports.reports import ToolUse, Turn
from switchboard.compliance import amendment_service, ledgers
from switchboard.compliance import store as compliance_store
from switchboard.compliance.data.law import AttemptCap
from switchboard.contacts import backfill
from switchboard.contacts.jobs import IndexContacts
from switchboard.email import service as email
from switchboard.email import store as mail_store
from switchboard.email.models import MailDraft
from switchboard.flows import service as flows
from switchboard.flows.models import FlowSettings
from switchboard.kit import clock
from switchboard.people import sessions, sign_in
from switchboard.people import store as people_store
from switchboard.people.models import SignIn
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.persistence.optimistic import StaleVersionError
from switchboard.persistence.retention import RetentionEnd
from switchboard.persistence.retention_rows import KINDS, kinds_of
from switchboard.roleplay import calls as roleplay
from switchboard.roleplay import lifecycle, scoring
from switchboard.signup import service as signup
from switchboard.streams import pools
from switchboard.streams import store as stream_store
from switchboard.team import invites, memberships, pending_invites
from switchboard.team.permissions import Role
from switchboard.timers import service as timers
from switchboard.timers import store as timer_store
from switchboard.webhooks import delivery_worker, parking_store
from switchboard.webhooks import service as webhooks
from switchboard.webhooks.models import EndpointSettings
from switchboard.webhooks.parking_store import ParkedAttempt
from tests.actors import Tenant, person, reseller, tenant, with_effect
from tests.fakes.receiver import Receiver
from tests.integration.sabotage import Later, scan_items, send_due
from tests.unit.contacts.book import ADA, record_call, save_contact
from tests.unit.opticomm.backend import backend
from tests.unit.roleplay.conftest import practise_call

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

TTL = {table.name: table.ttl for table in topology.TABLES}
#: DynamoDB's own delay, and the margin of some kinds so that a reader still finds an item that has just ended.
SLACK = timedelta(days=2)


#: Every worker with a queue, so that all their writes are seen. The tick runs the timers' worker.
WORKERS = [one.name for one in topology.WORKERS if one.queue and one.name != "workers/timers"]

#: The test's requests do not pass the edge with an Idempotency-Key, where Powertools writes these. A clearing is a
#: command of an operator, and attempts at a host are counted only above some hundred a minute: unit tests hold both.
UNMET = {"response to a request", "clearing of a projection", "first attempts at a host in a minute"}


def use_every_feature(later: Later) -> None:
    """An organization that uses every feature, with all consequences."""
    acme = tenant()
    master = acme.caller(master=True)
    org = organizations.get_organization(acme.org_id)
    keys.rotate_key(with_effect(master, "again"), keys.create_key(master, KeyKind.MASTER, "m").key.id, 60)
    flow = FlowSettings(name="Ada", kind="outbound", provider_agent_id="agent_1")
    flows.create_flow(master, flow)
    signup.sign_up("human@example.com", "human", None, "corr_1", IdempotencyKey("192.0.2.1", "key", "same"))

    ada = person("Ada")
    cookie = sessions.open_session(ada, None)
    founded = organizations.new_organization("Own", "own", org.plan)
    memberships.create_organization(
        ada, founded, "corr_1", None, lambda org_id: sessions.switch_organization_writes(cookie, org_id)
    )
    first, *_ = (invites.create_invite(master, org, "Ada", f"{name}@example.com", Role.VIEWER) for name in ("ada", "b"))
    pending_invites.accept_invite(ada, first.id, "corr_1")

    today = clock.now().date()
    amendment_service.add_amendment(
        master.actor, kind="closure", place="US-LA", first=today, last=today, source="an emergency"
    )
    ledgers.block_number(master, "+12125550001")
    ledgers.record_opt_out(master, "+12125550002", "manual")
    ledgers.record_opt_out(master, "+12125550004", "manual")
    ledgers.record_opt_in(master, "+12125550004")
    ledgers.record_consent(master, "+12125550003", "business-relationship")

    save_contact(acme, notes="alpha beta", display_name="Ada Park", time_zone="America/New_York")
    record_call(acme, ADA)
    backfill.start_backfill(master)
    webhooks.create_endpoint(master, "anima", EndpointSettings(url="https://example.com/hook"))
    to = ["you@example.com", "bounce@simulator.amazonses.com", "complaint@simulator.amazonses.com"]
    sent = email.send_message(acme.caller(), MailDraft(to=to, subject="Hello", body="Body"))

    commit(compliance_store.cached_answer_writes(ADA, clock.now().date(), "no", clock.now()))
    commit(compliance_store.attempt_writes(acme.org_id, ADA, "sale", [AttemptCap(3)], clock.now(), StaleVersionError))
    shared = (pacing_store.shared_pace_key(ADA), pacing_store.shared_pace_key("account#AC1"))
    paces = (pacing_store.org_key(org.id), pacing_store.number_key(org.id, ADA), *shared)
    assert all(pacing_store.take_present_slot(key, 1_000, 1_000) for key in paces)
    commit(lanes_store.waiting_writes(org.id, "live", f"{clock.now_iso()}#call_1"))
    callers = backend(slug="callers")
    long = {"request_id": "r-1", "webhook_url": "https://example.com/call", "first_message_override": "Hello. " * 100}
    assert callers.initiate(**long).is_success
    placed = calls.CALLS.get_object(acme.org_id, record_call(acme, "+12125550009").subject.id)
    assert placed is not None
    turn = Turn(number=1, speaker="agent", text="Hello", start_ms=0, end_ms=1)
    commit(
        calls.turn_writes(placed, turn), calls.tool_use_writes(placed, ToolUse(id="t-1", name="look_up", start_ms=1))
    )
    (shard, *_) = pools.shards_of_plan(org.plan)
    assert all(
        stream_store.take_lease(id_, "str_1", "me", 5, None)
        for id_ in (stream_store.organization_item_id(org.id), shard.id)
    )

    rep = reseller("other")
    call = practise_call(rep)
    lifecycle.apply_report(lifecycle.TransportReport(org_id=call.org_id, call_id=call.id, kind="ended"))
    scoring.score_call(call.org_id, call.id)
    roleplay.switch_drill(rep.caller(), "ma-full-sale", on=False)

    job = IndexContacts(org_id=acme.org_id, contact_ids=[])
    commit(timers.schedule(job, clock.now() + timedelta(hours=1)).write)
    unreadable = {**timer_store.timer_ref(_timer(job)), "id": "x"}
    timers._bury(unreadable, "x", "it cannot be parsed")
    for live in lives_of_nouns():
        live(acme)
    send_due(later, *WORKERS)
    email.change_labels(acme.caller(), sent.id, ["seen"], [])
    stops = [mail_store.suppress_system_mail_writes("b@example.com", reason) for reason in ("bounce", "complaint")]
    commit(mail_store.received_writes(sent, "digest", StaleVersionError), stops)
    stopped = tenant("stopped").caller(master=True)
    keys.revoke_key(stopped, stopped.key.id)
    organizations.set_status(stopped, "suspended")
    parking_store.put_attempts([ParkedAttempt(acme.org_id, "wh_1", "dlv_1", 1, "2026#dlv_1#00001")])
    until = clock.format_iso(clock.now() + timedelta(seconds=sign_in.SIGN_IN_SECONDS))
    commit(people_store.sign_in_write("digest", SignIn(return_to="/", browser="digest", expires_at=until)))


def lives_of_nouns() -> list[Callable[[Tenant], None]]:
    """The functions `live` of `tests/unit/<noun>/life.py`. Each writes one item of each kind of its noun."""
    files = sorted((Path(__file__).parents[1] / "unit").glob("*/life.py"))
    return [importlib.import_module(f"tests.unit.{path.parent.name}.life").live for path in files]


def _timer(job: IndexContacts) -> Any:
    return timer_store.Timer(
        id="tmr_00000000000000000000000001", org_id=job.org_id, due=clock.now_iso(), queue=job.queue, body=job.body
    )


def list_items() -> list[tuple[str, str, dict[str, Any]]]:
    found = []
    for table in topology.TABLES:
        for item in map(decode_item, scan_items(table.name)):
            found.append((table.name, "|".join(item[name] for name in table.keys), item))
    return found


@pytest.fixture
def later(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Later:
    """Holds back delayed messages. Webhooks arrive at the test's own receiver."""
    receiver, held = Receiver(), Later(queues.try_send_messages)
    monkeypatch.setattr(delivery_worker, "client", lambda: receiver)
    monkeypatch.setattr(queues, "try_send_messages", held)
    return held


def test_every_item_is_of_one_kind_and_ends_as_its_kind_says(later: Later) -> None:
    use_every_feature(later)
    met = set()
    for table, key, item in list_items():
        kinds = kinds_of(table, key)
        assert len(kinds) == 1, (
            f"{table}: {key} is of {len(kinds)} kinds: give it one row in switchboard/persistence/retention_rows.py"
        )
        (kind,) = kinds
        met.add(kind.what)
        ends = item.get(TTL[table] or "")
        assert (ends is not None) is (kind.ender is RetentionEnd.TTL), (
            f"{table}: {key} has {ends}, and {kind.what} {kind.ender}"
        )
        if kind.life and ends is not None:
            left = timedelta(seconds=int(ends) + 1 - clock.epoch())
            assert kind.life <= left <= kind.life + SLACK, f"{kind.what} is kept for {left}"
    assert {kind.what for kind in KINDS} - met == UNMET, (
        "write an item of each kind: in use_every_feature, or in `live` of tests/unit/<noun>/life.py"
    )


def test_a_kind_has_a_lifetime_if_and_only_if_it_expires() -> None:
    assert all((kind.life is not None) is (kind.ender is RetentionEnd.TTL) is bool(kind.since) for kind in KINDS)
    assert {kind.table for kind in KINDS} == {table.name for table in topology.TABLES}
    assert len({(kind.table, kind.keys) for kind in KINDS}) == len(KINDS)


def test_the_page_matches_the_rows() -> None:
    assert retention_page.PAGE.read_text() == retention_page.text(), "run: make openapi"
