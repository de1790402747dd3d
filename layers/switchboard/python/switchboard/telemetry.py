"""Structured logs and metrics, without secrets and without bodies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from aws_lambda_powertools import Tracer

NAMESPACE = "Switchboard"


@cache
def logger() -> Logger:
    """The process's logger: JSON lines with the request's, the correlation's and the organisation's id."""
    return Logger(
        service=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "switchboard"),
        level=os.environ.get("SWITCHBOARD_LOG_LEVEL", "INFO"),
        utc=True,
    )


def metric(name: str, value: float = 1, unit: MetricUnit = MetricUnit.Count, **dimensions: str) -> None:
    """Count something, in CloudWatch's embedded metric format: one line a metric, so a crash loses none."""
    from aws_lambda_powertools.metrics import single_metric

    with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE) as entry:
        for dimension, text in dimensions.items():
            entry.add_dimension(dimension, text)


@contextmanager
def traced(name: str, **annotations: str) -> Iterator[None]:
    """Trace a stretch of work as a subsegment in X-Ray, when the request at hand is one that is sampled.

    Everything else, all that runs outside Lambda included, pays nothing: the tracer is not even imported.
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
    from aws_lambda_powertools import Tracer

    return Tracer(auto_patch=False)
