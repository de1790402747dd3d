"""Published prices in us-east-1, in US dollars, without free tiers. Compare them with their sources before you decide.

The sources could not be opened when this table was written. The figures are those of third-party pages of 2026 and of
the AWS documentation as it was known on 2026-12-01.
"""

from __future__ import annotations

from typing import NamedTuple

SECONDS_A_MONTH = 730 * 3_600


class Price(NamedTuple):
    """The price of one unit, and the page that publishes it."""

    dollars: float
    unit: str
    source: str


_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_WAF = "https://aws.amazon.com/waf/pricing/"

PRICES = {
    "alarm": Price(0.10, "month", _CLOUDWATCH),
    "composite alarm": Price(0.50, "month", _CLOUDWATCH),
    "dashboard": Price(3.00, "month", _CLOUDWATCH),
    "custom metric": Price(0.30, "month", _CLOUDWATCH),
    "snapshot": Price(0.0000015046, "GB-second", _LAMBDA),
    "web ACL": Price(5.00, "month", _WAF),
    "rule": Price(1.00, "month", _WAF),
    "key": Price(1.00, "month", "https://aws.amazon.com/kms/pricing/"),
    "secret": Price(0.40, "month", "https://aws.amazon.com/secrets-manager/pricing/"),
    "SQS request": Price(0.40e-6, "request", "https://aws.amazon.com/sqs/pricing/"),
}

#: Requests with which Lambda asks an empty queue: five pollers, each with the longest wait of 20 s. AWS publishes both
#: figures, and no promise (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html).
POLLS_A_MONTH = 5 * SECONDS_A_MONTH / 20
#: The most that an idle deployment may cost in a month.
TARGETS = {"development": 25, "production": 60}
