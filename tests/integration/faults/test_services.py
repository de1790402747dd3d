"""Faults of AWS services and of the mail provider."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from switchboard.access import keys as access
from switchboard.aws import clients, dynamodb
from switchboard.aws.reads import Query
from switchboard.aws.writes import ConditionFailedError, Put, Update, commit
from switchboard.email.models import MailState
from switchboard.errors import Unavailable
from switchboard.kit import clock
from tests.actors import Tenant
from tests.integration.faults.conftest import SEND, list_messages, load_message, parse_body, queue_mail, send_request
from tests.integration.sabotage import Sabotage, run_tick, run_worker

pytestmark = pytest.mark.usefixtures("cloud")


PASSING = [
    ("TransactionCanceledException", ["None", "TransactionConflict"]),
    ("TransactionCanceledException", ["ThrottlingError", "ProvisionedThroughputExceeded"]),
    ("ThrottlingException", None),
    ("ProvisionedThroughputExceededException", None),
    ("InternalServerError", None),
]


def two_writes(name: str) -> tuple[Put, Update]:
    return (
        Put(table="core", item={"pk": name, "sk": "put"}, unless_exists=True),
        Update(table="core", key={"pk": name, "sk": "counter"}, expression="ADD n :one", values={":one": 1}),
    )


def count_written(name: str) -> list[dict[str, Any]]:
    return list(Query(table="core", partition=name).read_all())


@pytest.fixture
def tokens(saboteur: Sabotage) -> list[str]:
    """The tokens of the requested transactions."""
    seen: list[str] = []
    clients.dynamodb_client().meta.events.register(
        "provide-client-params.*.TransactWriteItems", lambda params, **_: seen.append(params["ClientRequestToken"])
    )
    return seen


@pytest.mark.parametrize(("code", "reasons"), PASSING)
def test_a_commit_is_retried_with_one_token_after_a_transient_fault(
    saboteur: Sabotage, tokens: list[str], code: str, reasons: list[str] | None
) -> None:
    saboteur.fail("TransactWriteItems", code, times=5, reasons=reasons)
    commit(two_writes("one"))
    assert (len(tokens), len(set(tokens))) == (6, 1)
    assert [item.get("n") for item in count_written("one")] == [1, None]


@pytest.mark.parametrize(("code", "reasons"), PASSING)
def test_a_commit_gives_up_after_its_attempts_and_keeps_the_cause(
    saboteur: Sabotage, tokens: list[str], code: str, reasons: list[str] | None
) -> None:
    saboteur.fail("TransactWriteItems", code, times=100, reasons=reasons)
    with pytest.raises(Unavailable) as given_up:
        commit(two_writes("one"))
    assert isinstance(given_up.value.__cause__, clients.ClientError)
    assert clients.error_code(given_up.value.__cause__) == code
    assert (len(tokens), count_written("one")) == (dynamodb.MAX_ATTEMPTS, [])


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException", "ResourceNotFoundException"])
def test_a_permanent_fault_is_not_retried(saboteur: Sabotage, tokens: list[str], code: str) -> None:
    saboteur.fail("TransactWriteItems", code)
    with pytest.raises(clients.ClientError):
        commit(two_writes("one"))
    assert len(tokens) == 1


def test_a_failed_condition_counts_although_another_write_had_a_conflict(saboteur: Sabotage, tokens: list[str]) -> None:
    saboteur.fail(
        "TransactWriteItems", "TransactionCanceledException", reasons=["TransactionConflict", "ConditionalCheckFailed"]
    )
    put, update = two_writes("one")
    with pytest.raises(ConditionFailedError) as failed:
        commit(put, update)
    assert failed.value.write is update
    assert (len(tokens), count_written("one")) == (1, [])


@pytest.mark.parametrize("operation", ["GetItem", "BatchGetItem", "PutItem", "TransactWriteItems"])
def test_a_request_throttled_by_the_store_is_503_and_not_recorded(
    acme: Tenant, saboteur: Sabotage, operation: str
) -> None:
    access.clear_cache()
    saboteur.fail(operation, "ThrottlingException", times=100)
    refused = send_request(SEND, acme.agent_key)
    assert (refused["statusCode"], parse_body(refused)["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert int(refused["headers"]["Retry-After"]) > 0
    saboteur.mend()
    assert list_messages(acme) == []
    assert send_request(SEND, acme.agent_key)["statusCode"] == 200
    assert len(list_messages(acme)) == 1


def test_a_request_passes_when_its_limits_cannot_be_counted(acme: Tenant, saboteur: Sabotage) -> None:
    saboteur.fail("UpdateItem", "InternalServerError", times=100)
    assert send_request(SEND, acme.agent_key, key=None)["statusCode"] == 200


def at_the_socket(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[str]:
    """Make every SES connection of a mail end this way. Returns the requests."""
    monkeypatch.setenv("SWITCHBOARD_MAIL_CARRIER", "ses")
    sent: list[str] = []

    def fail(**_: Any) -> None:
        sent.append("mail")
        raise error

    clients.get_client("ses").meta.events.register_first("before-send", fail)
    return sent


def test_the_client_does_not_resend_a_mail_after_a_lost_response(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = at_the_socket(monkeypatch, ReadTimeoutError(endpoint_url="https://ses"))
    message = queue_mail(acme)
    run_worker("workers/email")
    assert sent == ["mail"]
    assert load_message(message).state is MailState.SENDING


def test_a_mail_returns_to_its_queue_when_the_provider_is_unreachable(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, frozen: clock.FrozenClock
) -> None:
    at_the_socket(monkeypatch, ConnectTimeoutError(endpoint_url="https://ses"))
    message = queue_mail(acme)
    run_worker("workers/email", at_most=1)
    assert load_message(message).state is MailState.QUEUED
    clients.clear_clients()
    frozen.advance(seconds=3)
    run_tick()
    run_worker("workers/email")
    assert load_message(message).state is MailState.SENT
