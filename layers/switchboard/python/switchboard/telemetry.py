"""Structured logs and metrics, without secrets and without bodies."""

from __future__ import annotations

import os
from functools import cache

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

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
