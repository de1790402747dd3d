"""Concurrent sign-ups on the engine."""

from __future__ import annotations

import pytest

from switchboard.accounts import organizations
from switchboard.aws import secret
from switchboard.errors import Conflict
from switchboard.kit import ids
from switchboard.persistence.idempotency import IdempotencyKey
from switchboard.signup import service as signup
from tests.integration.concurrency.conftest import count_outcomes, run_together
from tests.integration.sabotage import scan_items


def sign_up(human: str, username: str, effect: IdempotencyKey | None = None) -> signup.SignUpResult:
    return signup.sign_up(human, username, None, ids.new_id("corr"), effect)


def owners_of_items() -> set[str]:
    """Every organization that has any item."""
    owners = {item["org_id"]["S"] for table in ("core", "activity") for item in scan_items(table) if "org_id" in item}
    return owners | {org.id for org in organizations.list_organizations(100)[0]}


@pytest.mark.usefixtures("engine_cloud")
def test_concurrent_sign_ups_of_one_human_make_one_organization() -> None:
    results = run_together([lambda n=n: sign_up("me@example.com", f"agent-{n}") for n in range(4)])
    assert count_outcomes(results) == {signup.SignUpResult: 1, Conflict: 3}
    assert {result.code for result in results if isinstance(result, Conflict)} == {"owner_exists"}
    assert len(owners_of_items()) == 1


@pytest.mark.usefixtures("engine_cloud")
def test_concurrent_sign_ups_give_a_username_to_one_of_them() -> None:
    results = run_together([lambda n=n: sign_up(f"human-{n}@example.com", "agent") for n in range(4)])
    assert count_outcomes(results) == {signup.SignUpResult: 1, Conflict: 3}
    assert {result.code for result in results if isinstance(result, Conflict)} == {"username_taken"}
    assert len(owners_of_items()) == 1


@pytest.mark.usefixtures("engine_cloud")
def test_concurrent_repeats_of_one_sign_up_return_the_same_keys() -> None:
    secret.derive("warm")

    def same() -> signup.SignUpResult:
        return sign_up("me@example.com", "agent", IdempotencyKey("ip#192.0.2.1", "k" * 22, "fingerprint"))

    results = run_together([same] * 4)
    assert count_outcomes(results) == {signup.SignUpResult: 4}
    assert len({(made.agent.id, made.agent_key, made.master_key) for made in results if isinstance(made, tuple)}) == 1
    assert len(owners_of_items()) == 1
