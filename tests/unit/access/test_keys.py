"""A credential leads to a caller, and a process caches the result for a limited time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from switchboard.access import keys as access
from switchboard.accounts import credentials, keys, organizations
from switchboard.accounts.models import KeyKind, KeyRestrictions
from switchboard.accounts.plans import PlanName
from switchboard.aws.writes import Update, commit, write_item
from switchboard.dialects.anima import dialect
from switchboard.errors import DomainError, Forbidden, Unauthenticated
from switchboard.events.models import Actor, SystemActor
from switchboard.kit import clock, ids
from tests.actors import Tenant, tenant
from tests.integration.sabotage import Sabotage

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def acme(cloud: dict[str, str], frozen: clock.FrozenClock) -> Tenant:
    return tenant()


def system_actor(acme: Tenant) -> SystemActor:
    return SystemActor(
        org_id=acme.org_id, actor=Actor(type="system", id="t"), agent_id=None, correlation_id=ids.new_id("corr")
    )


def close_organization(acme: Tenant) -> None:
    write_item(
        Update(
            table="core",
            key=organizations.organization_ref(acme.org_id).key,
            expression="SET #status = :closed",
            names={"#status": "status"},
            values={":closed": "closed"},
        )
    )


def revoke_key(acme: Tenant) -> None:
    keys.revoke_key(system_actor(acme), access.authenticate_key(acme.agent_key, dialect.KEYS).key.id)


@pytest.mark.parametrize(("end", "code"), [(revoke_key, "revoked"), (close_organization, "organization_inactive")])
def test_an_ended_key_is_refused_when_the_cache_expires(
    acme: Tenant,
    frozen: clock.FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[Tenant], None],
    code: str,
) -> None:
    monkeypatch.setenv("SWITCHBOARD_KEY_CACHE_SECONDS", "5")
    access.clear_cache()
    access.authenticate_key(acme.agent_key, dialect.KEYS)
    end(acme)
    frozen.advance(seconds=4.9)
    access.authenticate_key(acme.agent_key, dialect.KEYS)
    frozen.advance(seconds=0.1)
    for _ in range(2):
        with pytest.raises(DomainError) as refusal:
            access.authenticate_key(acme.agent_key, dialect.KEYS)
        assert refusal.value.code == code


def test_use_does_not_extend_the_cache_time(acme: Tenant, frozen: clock.FrozenClock) -> None:
    access.authenticate_key(acme.agent_key, dialect.KEYS)
    revoke_key(acme)
    for _ in range(14):
        frozen.advance(seconds=1)
        access.authenticate_key(acme.agent_key, dialect.KEYS)
    frozen.advance(seconds=1)
    with pytest.raises(Unauthenticated):
        access.authenticate_key(acme.agent_key, dialect.KEYS)


def test_an_expired_key_is_refused_at_once_even_if_cached(acme: Tenant, frozen: clock.FrozenClock) -> None:
    ends = clock.format_iso(clock.parse(clock.now_iso()).replace(second=3))
    made = keys.create_key(acme.caller(master=True), KeyKind.MASTER, "m", expires_at=ends)
    access.authenticate_key(made.text, dialect.KEYS)
    frozen.advance(seconds=2.999)
    access.authenticate_key(made.text, dialect.KEYS)
    frozen.advance(seconds=0.001)
    with pytest.raises(Unauthenticated) as refusal:
        access.authenticate_key(made.text, dialect.KEYS)
    assert refusal.value.code == "expired"


def test_a_new_plan_applies_when_the_cache_expires(acme: Tenant, frozen: clock.FrozenClock) -> None:
    organizations.set_plan(system_actor(acme), PlanName.SCALE)
    frozen.advance(seconds=15)
    assert access.authenticate_key(acme.agent_key, dialect.KEYS).organization.plan is PlanName.SCALE


def test_a_refusal_is_never_cached(acme: Tenant) -> None:
    text = credentials.mint_key(KeyKind.MASTER, b"s" * 32).text
    with pytest.raises(Unauthenticated) as refusal:
        access.authenticate_key(text, dialect.KEYS)
    assert refusal.value.code == "unknown"
    made, writes = keys.key_writes(system_actor(acme), KeyKind.MASTER, "late", seed=b"s" * 32)
    commit(writes)
    assert access.authenticate_key(text, dialect.KEYS).key.id == made.key.id


def test_a_cached_key_costs_no_read_and_an_uncached_key_two(acme: Tenant) -> None:
    sabotage = Sabotage()
    access.authenticate_key(acme.agent_key, dialect.KEYS)
    access.clear_cache()
    with sabotage.counting() as calls:
        access.authenticate_key(acme.agent_key, dialect.KEYS)
        access.authenticate_key(acme.agent_key, dialect.KEYS)
    assert calls == ["GetItem", "BatchGetItem"]


def test_a_malformed_key_or_a_key_of_another_kind_costs_no_read(acme: Tenant) -> None:
    sabotage = Sabotage()
    with sabotage.counting() as calls:
        for text in ("", "ak_", acme.agent_key[:-1], acme.agent_key + "x", credentials.mint_key(KeyKind.ATHOS).text):
            with pytest.raises(Unauthenticated) as refusal:
                access.authenticate_key(text, dialect.KEYS)
            assert refusal.value.code == "malformed"
            assert "begin with ak_ or mk_" in refusal.value.message
    assert "This is a key of Athos" in refusal.value.message
    assert calls == []


def test_a_suspended_agent_is_forbidden(acme: Tenant) -> None:
    write_item(
        Update(
            table="core",
            key={"pk": acme.org_id, "sk": f"agent#{acme.agent_id}"},
            expression="SET #status = :status",
            names={"#status": "status"},
            values={":status": "suspended"},
        )
    )
    with pytest.raises(Forbidden) as refusal:
        access.authenticate_key(acme.agent_key, dialect.KEYS)
    assert refusal.value.code == "agent_inactive"
    access.authenticate_key(acme.master_key, dialect.KEYS)


def test_key_use_is_recorded_every_five_minutes_and_a_failure_refuses_nobody(
    acme: Tenant, frozen: clock.FrozenClock
) -> None:
    def read_last_use() -> str | None:
        return keys.get_key(acme.org_id, access.authenticate_key(acme.agent_key, dialect.KEYS).key.id).last_used_at

    first = read_last_use()
    assert first == clock.now_iso()
    frozen.advance(minutes=4)
    assert read_last_use() == first
    frozen.advance(minutes=2)
    Sabotage().fail("UpdateItem", "ValidationException")
    assert read_last_use() == first
    frozen.advance(seconds=15)
    assert read_last_use() == clock.now_iso()


def create_key_bound_to(acme: Tenant, *networks: str) -> str:
    restrictions = KeyRestrictions(ip_allowlist=list(networks))
    made, writes = keys.key_writes(system_actor(acme), KeyKind.MASTER, "bound", restrictions=restrictions)
    commit(writes)
    return made.text


@pytest.mark.parametrize(
    ("networks", "address", "admitted"),
    [
        ([], "203.0.113.9", True),
        (["203.0.113.0/24"], "203.0.113.9", True),
        (["203.0.113.0/24"], "203.0.114.9", False),
        (["203.0.113.9"], "203.0.113.9", True),
        (["203.0.113.0/24"], "::ffff:203.0.113.9", True),
        (["198.51.100.0/24", "2001:db8::/32"], "2001:db8:1::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["203.0.113.0/24"], "", False),
        (["203.0.113.0/24"], "nonsense", False),
    ],
)
def test_a_key_works_from_its_networks_only(acme: Tenant, networks: list[str], address: str, admitted: bool) -> None:
    text = create_key_bound_to(acme, *networks)
    for _ in range(2):  # from the table, and from the cache
        if admitted:
            assert access.authenticate_key(text, dialect.KEYS, address).organization.id == acme.org_id
        else:
            with pytest.raises(Forbidden) as refusal:
                access.authenticate_key(text, dialect.KEYS, address)
            assert refusal.value.code == "ip_not_allowed"


@pytest.mark.parametrize("network", ["203.0.113.9/24", "203.0.113.0/33", "example.com", ""])
def test_an_invalid_network_restricts_no_key(network: str) -> None:
    with pytest.raises(ValidationError):
        KeyRestrictions(ip_allowlist=[network])
