"""API keys: requests with an Idempotency-Key, the maximum number of active keys, and revocation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from switchboard.access import keys as access
from switchboard.accounts import keys, store
from switchboard.accounts.models import ApiKey, KeyKind
from switchboard.agents import service as agents
from switchboard.aws import clients
from switchboard.aws.reads import Query
from switchboard.aws.writes import Put, commit, write_item
from switchboard.dialects.anima import dialect
from switchboard.errors import Conflict
from switchboard.kit import clock
from tests.actors import Tenant, tenant, with_effect

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def test_a_repeated_request_creates_one_key_and_shows_it_twice(acme: Tenant) -> None:
    first, second = (
        keys.create_key(with_effect(acme.caller(master=True), "again"), KeyKind.MASTER, "m") for _ in range(2)
    )
    assert first == second
    assert access.authenticate_key(second.text, dialect.KEYS).key.id == second.key.id


def test_an_expired_idempotency_key_creates_another_key(acme: Tenant, frozen: clock.FrozenClock) -> None:
    first = keys.create_key(with_effect(acme.caller(master=True), "again"), KeyKind.MASTER, "m")
    frozen.advance(hours=25)
    second = keys.create_key(with_effect(acme.caller(master=True), "again"), KeyKind.MASTER, "m")
    assert (second.key.id != first.key.id, second.text != first.text) == (True, True)


def test_an_expired_idempotency_key_creates_another_agent(acme: Tenant, frozen: clock.FrozenClock) -> None:
    first = agents.create_agent(with_effect(acme.caller(master=True), "again"), "first", "First", {})
    frozen.advance(hours=25)
    second = agents.create_agent(with_effect(acme.caller(master=True), "again"), "second", "Second", {})
    assert second.key_text != first.key_text


def test_a_repeated_rotation_creates_one_successor(acme: Tenant) -> None:
    old = keys.create_key(acme.caller(master=True), KeyKind.MASTER, "m")
    first, second = (keys.rotate_key(with_effect(acme.caller(master=True), "again"), old.key.id, 60) for _ in range(2))
    assert first == second
    assert access.authenticate_key(second.text, dialect.KEYS).key.id == first.key.id


def create_athos_key(acme: Tenant, **settings: Any) -> ApiKey:
    made, writes = keys.key_writes(acme.caller(master=True), KeyKind.ATHOS, "k", **settings)
    commit(writes)
    return made.key


def test_expired_and_revoked_keys_make_room_for_others(acme: Tenant, frozen: clock.FrozenClock) -> None:
    master = acme.caller(master=True)
    first = [create_athos_key(acme) for _ in range(4)]
    create_athos_key(acme, expires_at=clock.format_iso(clock.now() + timedelta(minutes=1)))
    with pytest.raises(Conflict):
        create_athos_key(acme)
    frozen.advance(minutes=1)
    create_athos_key(acme)
    with pytest.raises(Conflict):
        create_athos_key(acme)
    keys.revoke_key(master, first[0].id)
    fifth = create_athos_key(acme)
    with pytest.raises(Conflict):
        create_athos_key(acme)
    successor = keys.rotate_key(master, fifth.id, 60).key
    with pytest.raises(Conflict):
        create_athos_key(acme)
    keys.revoke_key(master, successor.id)
    assert create_athos_key(acme)


def test_creating_a_key_does_not_read_all_old_keys(acme: Tenant) -> None:
    master = acme.caller(master=True)
    for _ in range(12):
        keys.revoke_key(master, create_athos_key(acme).id)
    read: list[int] = []

    def count_read(parsed: dict[str, Any], **_: Any) -> None:
        read.append(len(parsed.get("Items", [])) + sum(map(len, parsed.get("Responses", {}).values())))

    clients.dynamodb_client().meta.events.register("after-call.dynamodb", count_read)
    create_athos_key(acme)
    assert sum(read) <= 1, "only the last key, which is revoked"


def test_keys_that_were_counted_before_their_ids_were_stored_still_count(acme: Tenant) -> None:
    for _ in range(5):
        create_athos_key(acme)
    place = {"pk": acme.org_id, "sk": f"made#{KeyKind.ATHOS}"}
    write_item(Put(table="core", item={**place, "number": 5}))
    with pytest.raises(Conflict):
        create_athos_key(acme)


def test_a_key_that_two_members_revoke_at_once_is_revoked_once(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    master = acme.caller(master=True, correlation_id="corr_revoked")
    made = keys.create_key(master, KeyKind.MASTER, "m").key
    read, others = store.get_key, [master]

    def revoke_first(org_id: str, key_id: str) -> ApiKey | None:
        found = read(org_id, key_id)
        if others:
            keys.revoke_key(others.pop(), made.id)
        return found

    monkeypatch.setattr(store, "get_key", revoke_first)
    assert keys.revoke_key(master, made.id).revoked_at
    told = Query(table="activity", partition=f"{acme.org_id}#chain#corr_revoked").read_all()
    assert [item["type"] for item in told].count("key.revoked") == 1
