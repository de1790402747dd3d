"""The checks of an account before a deployment, against answers of AWS."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from infra import topology
from infra.doctor import __main__ as command
from infra.doctor import checks
from infra.stacks.deployment import Deployment
from tests.infra.conftest import FULL

_RESERVED = sum(one.reserved or 0 for one in topology.FUNCTIONS)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Operation")


def _describe_secret(SecretId: str) -> dict[str, Any]:  # noqa: N803 as botocore calls it
    if SecretId.startswith("arn:"):
        return {}
    raise refusal("ResourceNotFoundException")


#: A good account before its first deployment.
GOOD: dict[str, Any] = {
    "sts.get_caller_identity": {"Account": "111122223333"},
    "ssm.get_parameter": {"Parameter": {"Value": "28"}},
    "lambda.get_account_settings": {"AccountLimit": {"ConcurrentExecutions": topology.ACCOUNT_EXECUTIONS}},
    "acm.describe_certificate": {"Certificate": {"Status": "ISSUED", "SubjectAlternativeNames": ["*.example.com"]}},
    "sesv2.get_account": {
        "ProductionAccessEnabled": True,
        "SendingEnabled": True,
        "SendQuota": {"Max24HourSend": 50_000.0, "MaxSendRate": 14.0},
    },
    "sesv2.get_email_identity": refusal("NotFoundException"),
    "ses.describe_active_receipt_rule_set": {},
    "secretsmanager.describe_secret": _describe_secret,
    "apigateway.get_account": {},
    "cloudformation.describe_stacks": refusal("ValidationError"),
    "dynamodb.describe_table": refusal("ResourceNotFoundException"),
    "s3.head_bucket": refusal("404"),
}


def clients(answers: dict[str, Any]) -> checks.Clients:
    """Clients that give these answers."""

    def operation(name: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            answer = answers[name]
            if isinstance(answer, Exception):
                raise answer
            return answer(**request) if callable(answer) else answer

        return call

    def client(service: str) -> Any:
        names = [key for key in answers if key.startswith(f"{service}.")]
        found = {name.partition(".")[2]: operation(name) for name in names}
        return SimpleNamespace(meta=SimpleNamespace(region_name="us-east-1"), **found)

    return client


def examine(context: dict[str, Any] | None = None, **answers: Any) -> list[checks.Finding]:
    given = {key.replace("__", "."): answer for key, answer in answers.items()}
    account = checks.find_account(clients(GOOD | given))
    assert isinstance(account, checks.Account)
    pinned = {"accounts": {"test": "111122223333/us-east-1"}}
    deployment = Deployment.from_context((FULL | pinned | (context or {})).get)
    return list(checks.examine(account, deployment))


def bad(found: list[checks.Finding], level: str = "failed") -> list[str]:
    assert all(one.advice for one in found if one.level != "ok"), "say what to do"
    return [one.text for one in found if one.level == level]


def test_a_good_account_passes() -> None:
    found = examine(ses__describe_active_receipt_rule_set={"Metadata": {"Name": "switchboard-test-mail"}})
    assert not bad(found)
    assert not bad(found, "warning")
    assert len(found) >= len(checks.CHECKS)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"ssm__get_parameter": refusal("ParameterNotFound")}, "not bootstrapped"),
        ({"ssm__get_parameter": {"Parameter": {"Value": "5"}}}, "version 5, not 6"),
        ({"lambda__get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 10}}}, "allows 10 executions"),
        ({"acm__describe_certificate": refusal("ResourceNotFoundException")}, "no such certificate"),
        ({"acm__describe_certificate": {"Certificate": {"Status": "PENDING_VALIDATION"}}}, "PENDING_VALIDATION"),
        (
            {"acm__describe_certificate": {"Certificate": {"Status": "ISSUED", "SubjectAlternativeNames": ["a.com"]}}},
            "not for api.example.com",
        ),
        ({"sesv2__get_email_identity": {}}, "an identity for example.com already"),
        ({"sesv2__get_account": {"ProductionAccessEnabled": True, "SendingEnabled": False}}, "stopped sending"),
        ({"secretsmanager__describe_secret": refusal("ResourceNotFoundException")}, "There is no secret arn:"),
        ({"dynamodb__describe_table": {}}, "An earlier stage left: table switchboard-test-core"),
        ({"s3__head_bucket": {}}, "bucket switchboard-test-"),
    ],
)
def test_what_would_fail_is_found_before_it_does(answers: dict[str, Any], words: str) -> None:
    assert any(words in text for text in bad(examine(**answers)))


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"lambda__get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 1_000}}}, "allows 1,000"),
        ({"sesv2__get_account": {"ProductionAccessEnabled": False}}, "sandbox"),
        ({"ses__describe_active_receipt_rule_set": {"Metadata": {"Name": "theirs"}}}, "is theirs"),
        ({"apigateway__get_account": {"cloudwatchRoleArn": "arn:aws:iam::1:role/theirs"}}, "role/theirs for logs"),
        ({"ssm__get_parameter": refusal("AccessDeniedException")}, "may not look"),
        ({"sesv2__get_account": refusal("ThrottlingException")}, "failed: no"),
    ],
)
def test_what_needs_a_look_is_a_warning(answers: dict[str, Any], words: str) -> None:
    found = examine(**answers)
    assert any(words in text for text in bad(found, "warning"))
    assert not bad(found)


def test_a_small_account_can_be_deployed_to_without_reservations() -> None:
    small = {"AccountLimit": {"ConcurrentExecutions": _RESERVED + topology.UNRESERVED_EXECUTIONS - 1}}
    assert bad(examine(lambda__get_account_settings=small))
    assert not bad(examine({"reserved_concurrency": "off"}, lambda__get_account_settings=small))


def test_an_update_keeps_what_the_stage_has() -> None:
    there = {
        "cloudformation__describe_stacks": {},
        "dynamodb__describe_table": {},
        "s3__head_bucket": {},
        "sesv2__get_email_identity": {},
        "apigateway__get_account": {"cloudwatchRoleArn": "arn:aws:iam::1:role/ours"},
    }
    found = examine(**there)
    assert not bad(found)
    assert "Stage test exists: this is an update." in [one.text for one in found]


def test_another_account_than_the_pinned_one_fails() -> None:
    found = examine({"accounts": {"test": "444455556666/us-east-1"}})
    assert bad(found) == ["The credentials are for the account 111122223333."]
    (unpinned,) = [text for text in bad(examine({"accounts": None}), "warning") if "pinned" in text]
    assert unpinned == "Stage test is not pinned to an account."


def test_a_certificate_of_another_region_fails() -> None:
    elsewhere = FULL["certificate_arn"].replace("us-east-1", "eu-west-1")
    assert bad(examine({"certificate_arn": elsewhere})) == [
        "The certificate is in eu-west-1, and the APIs are in us-east-1."
    ]


@pytest.mark.parametrize("error", [NoCredentialsError(), refusal("ExpiredToken")])
def test_invalid_credentials_are_one_finding(error: Exception) -> None:
    found = checks.find_account(clients({"sts.get_caller_identity": error}))
    assert isinstance(found, checks.Finding)
    assert found.text.startswith("There are no valid credentials")


def test_the_command_prints_what_to_do_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["doctor", "-c", "stage=Prod", "-c", "mail_carrier=pigeon"])
    assert command.main() == 1
    assert capsys.readouterr().out.startswith("FAILED  stage must be 1 to 10 characters")
    monkeypatch.setattr(sys, "argv", ["doctor", "-c", "stage=test", "--json"])
    monkeypatch.setattr("boto3.client", lambda service, **_: clients(GOOD)(service))
    assert command.main() == 0
    found = json.loads(capsys.readouterr().out)
    assert {"level": "ok", "text": "The names of stage test are free.", "advice": ""} in found
