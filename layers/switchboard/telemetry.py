"""Structured logs and metrics, without secrets and without bodies."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from switchboard.kit import clock

if TYPE_CHECKING:
    from aws_lambda_powertools import Tracer

NAMESPACE = "Switchboard"


@cache
def logger() -> Logger:
    """Returns the process's logger. It writes JSON lines with request id, correlation id and organization id."""
    return Logger(
        service=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "switchboard"),
        level=os.environ.get("SWITCHBOARD_LOG_LEVEL", "INFO"),
        logger_formatter=_Formatter(utc=True),
    )


class _Formatter(LambdaPowertoolsFormatter):
    """Powertools' formatter without refused values: of a validation error it writes the locations and kinds only.

    The text of a pydantic exception contains the refused value, which may be a key, a mail body or a job.
    """

    def __init__(self, **options: Any) -> None:
        # Omits `stack_trace`, which Powertools builds from the raw exception. `exception` has the whole chain.
        super().__init__(**options, serialize_stacktrace=False)

    def formatException(self, ei: Any) -> str:  # noqa: N802 logging's name
        return "\n".join(_told(ei[1]))


def _told(error: BaseException | None) -> Iterator[str]:
    """Yields the text of an exception and its causes, oldest first, in Python's format."""
    if error is None:
        return
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier:
        yield from _told(earlier)
        yield "\nThe exception below came after it:\n"
    yield "Traceback (most recent call last):"
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip()
    yield f"{type(error).__name__}: {describe_error(error)}"


def describe_error(error: BaseException) -> str:
    """Returns the message of an exception, without refused values."""
    return str(validation_problems(error) if callable(getattr(error, "errors", None)) else error)


def validation_problems(error: Any) -> list[dict[str, Any]]:
    """Returns locations and kinds of pydantic's or Powertools' validation errors. Values must not reach a log."""
    return [{"loc": list(one.get("loc", ())), "type": one.get("type", "")} for one in error.errors()]


def emit_metric(name: str, value: float = 1, **dimensions: str) -> None:
    """Writes a count in CloudWatch's embedded metric format: the total, and the count of its dimensions if it has some.

    An alarm watches the total, and the dimensions show what it is about. Each metric has its own line, so a crash loses
    none.
    """
    sets = [[], sorted(dimensions)] if dimensions else [[]]
    metric = {"Namespace": metric_namespace(), "Dimensions": sets, "Metrics": [{"Name": name, "Unit": "Count"}]}
    about = {"Timestamp": round(clock.epoch() * 1_000), "CloudWatchMetrics": [metric]}
    # Lambda reads metrics from the standard output.
    print(json.dumps({"_aws": about, name: value, **dimensions}), flush=True)  # noqa: T201


def metric_namespace(stage: str | None = None) -> str:
    """Returns the namespace of a stage's metrics. Two stages in one account ring different alarms."""
    return f"{NAMESPACE}/{stage or os.environ.get('SWITCHBOARD_STAGE', 'local')}"


def function_name() -> str:
    """Returns the name of the running function, for a metric's dimension."""
    return os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local")


def log_skip(reason: str, **ids: str | int | None) -> None:
    """Logs that a worker does nothing for a job, and why. `ids` name the objects, and hold no personal data."""
    logger().info(f"skipped: {reason}", extra={name: value for name, value in ids.items() if value is not None})


@contextmanager
def traced(name: str, **annotations: str) -> Iterator[None]:
    """Traces the block as an X-Ray subsegment if the current request is sampled.

    Without sampling, and outside Lambda, this costs nothing: the tracer is not imported.
    """
    if "Sampled=1" not in os.environ.get("_X_AMZN_TRACE_ID", ""):
        yield
        return
    with _tracer().provider.in_subsegment(name=f"## {name}") as segment:
        for key, text in annotations.items():
            segment.put_annotation(key, text)
        try:
            yield
        except Exception as error:
            segment.put_metadata("error", type(error).__name__, namespace=NAMESPACE)
            raise


@cache
def _tracer() -> Tracer:
    from aws_lambda_powertools import Tracer  # for cold start: loaded for sampled requests only

    return Tracer(auto_patch=False)
