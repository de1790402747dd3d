"""Every item that the services write is of one kind, and ends as its kind says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from infra import retention_page, topology
from switchboard.accounts import service as accounts
from switchboard.accounts.models import KeyKind
from switchboard.aws import clock
from switchboard.aws.effect import Effect
from switchboard.aws.table import commit, decode_item
from switchboard.compliance import ledgers
from switchboard.contacts import backfill
from switchboard.contacts.jobs import IndexContacts
from switchboard.email import service as email
from switchboard.email.models import Draft
from switchboard.flows import service as flows
from switchboard.flows.models import Settings
from switchboard.kit.retention import KINDS, Ender, kinds_of
from switchboard.people import service as people
from switchboard.roleplay import lifecycle, scoring
from switchboard.signup import service as signup
from switchboard.team import invites, places
from switchboard.team.permissions import Role
from switchboard.timers import service as timers
from switchboard.timers import store as timer_store
from tests.actors import person, reseller, tenant, with_effect
from tests.integration.sabotage import Stream, everything, work
from tests.unit.contacts.book import ADA, called, saved
from tests.unit.roleplay.conftest import practised

pytestmark = pytest.mark.usefixtures("cloud", "frozen")

TTL = {table.name: table.ttl for table in topology.TABLES}
#: DynamoDB's own delay, and what kinds add so that a reader still finds what has just ended.
SLACK = timedelta(days=2)


def a_life() -> None:
    """An organization that does a little of everything."""
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

    ledgers.block(master, "+12125550001")
    ledgers.opt_out(master, "+12125550002", "manual")
    ledgers.record_consent(master, "+12125550003", "business-relationship")

    saved(acme, notes="alpha beta", display_name="Ada Park")
    called(acme, ADA)
    backfill.start(master)
    email.send(acme.caller(), Draft(to=["you@example.com"], subject="Hello", body="Body"))

    rep = reseller("other")
    call = practised(rep)
    lifecycle.apply(lifecycle.Progress(org_id=call.org_id, call_id=call.id, kind="ended"))
    scoring.score(call.org_id, call.id)

    job = IndexContacts(org_id=acme.org_id, contact_ids=[])
    commit(timers.later(job, clock.now() + timedelta(hours=1)).write)
    unreadable = {**timer_store.key(_timer(job)), "id": "x"}
    timers._set_aside(unreadable, "x", "it cannot be read")
    timers.tick()
    Stream().hand_on()
    for worker in ("workers/contacts", "workers/audit"):
        work(worker)


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


def test_every_item_is_of_one_kind_and_ends_as_its_kind_says() -> None:
    a_life()
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
    assert len(met) > 45, sorted({kind.what for kind in KINDS} - met)


def test_a_kind_says_how_long_it_lives_if_and_only_if_a_time_ends_it() -> None:
    assert all((kind.life is not None) is (kind.ender is Ender.TTL) is bool(kind.since) for kind in KINDS)
    assert {kind.table for kind in KINDS} == {table.name for table in topology.TABLES}
    assert len({(kind.table, kind.keys) for kind in KINDS}) == len(KINDS)


def test_the_page_is_as_the_rows_are() -> None:
    assert retention_page.PAGE.read_text() == retention_page.text(), "run: make openapi"
