"""The log of an exception never contains a value that a validation refused."""

from __future__ import annotations

import json
import logging
from io import StringIO
from typing import Any

import pytest
from aws_lambda_powertools.event_handler.openapi.exceptions import ResponseValidationError
from pydantic import BaseModel, ValidationError

from switchboard import telemetry


class Job(BaseModel):
    number: int
    text: str


#: The name must not occur in the lines of this file that a traceback shows.
SENT = {"number": "mk_secret", "text": ["a mail's body"]}


def refused_error() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Job.model_validate(SENT)
    return caught.value


def log_lines(error: Exception) -> Any:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(telemetry.logger().handlers[0].formatter)
    log = logging.getLogger("tests.telemetry")
    log.addHandler(handler)
    try:
        raise error
    except type(error):
        log.exception("job failed")
    finally:
        log.removeHandler(handler)
    return json.loads(stream.getvalue())


def test_a_refused_value_is_in_no_log() -> None:
    entry = log_lines(refused_error())
    assert entry["exception_name"] == "ValidationError"
    assert "{'loc': ['number'], 'type': 'int_parsing'}" in entry["exception"]
    assert "test_telemetry.py" in entry["exception"]
    for secret in ("mk_secret", "a mail's body", "input_value"):
        assert secret not in json.dumps(entry)


def test_a_refused_value_is_in_no_cause_either() -> None:
    try:
        raise refused_error()
    except ValidationError as cause:
        later = RuntimeError("the job cannot be read")
        later.__cause__ = cause
    entry = log_lines(later)
    assert "RuntimeError: the job cannot be read" in entry["exception"]
    assert "int_parsing" in entry["exception"]
    assert "mk_secret" not in json.dumps(entry)


def test_an_invalid_response_is_described_by_its_fields() -> None:
    error = ResponseValidationError([{"loc": ("response", "key"), "type": "string_type", "input": "mk_secret"}])
    assert telemetry.describe_error(error) == "[{'loc': ['response', 'key'], 'type': 'string_type'}]"
    assert "mk_secret" not in json.dumps(log_lines(error))


def test_other_exceptions_are_logged_in_full() -> None:
    entry = log_lines(ValueError("the queue has no such name"))
    assert "ValueError: the queue has no such name" in entry["exception"]
    assert telemetry.describe_error(ValueError("plain")) == "plain"


def test_a_metric_is_counted_in_total_and_by_its_dimensions(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_STAGE", "test")
    telemetry.emit_metric("JobFailed", 2, Function="switchboard-test-workers-email")
    line = json.loads(capsys.readouterr().out)
    (metric,) = line["_aws"]["CloudWatchMetrics"]
    assert metric == {
        "Namespace": "Switchboard/test",
        "Dimensions": [[], ["Function"]],
        "Metrics": [{"Name": "JobFailed", "Unit": "Count"}],
    }
    assert (line["JobFailed"], line["Function"]) == (2, "switchboard-test-workers-email")
    assert line["_aws"]["Timestamp"] > 1_700_000_000_000, "CloudWatch wants milliseconds"
    telemetry.emit_metric("TimerDead")
    assert json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]
