"""Checks an account before a deployment: `python -m infra.doctor -c stage=prod …` (`make doctor CONTEXT=…`).

The exit code is 0 if nothing would fail, and 1 otherwise. Warnings do not count.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from functools import cache

import boto3
from botocore.config import Config
from botocore.exceptions import NoRegionError

from infra.context import read_context
from infra.doctor import checks
from infra.stacks.deployment import Deployment

_MARKS = {"ok": "ok     ", "warning": "WARNING", "failed": "FAILED "}


def main() -> int:
    """Print the findings. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.doctor", description=__doc__)
    parser.add_argument("-c", "--context", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--json", action="store_true", help="print a list of findings as JSON")
    given = parser.parse_args()
    findings = _examine(given.context)
    if given.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            print(f"{_MARKS[finding.level]} {finding.text}")
            if finding.advice:
                print(f"        {finding.advice}")
    return int(any(finding.level == "failed" for finding in findings))


def _examine(pairs: list[str]) -> list[checks.Finding]:
    try:
        deployment = Deployment.from_context(read_context(pairs).get)
    except ValueError as error:
        return [checks.Finding("failed", line, "Correct the context.") for line in str(error).splitlines()]
    # A machine without a network or a wrong region gets an answer soon.
    brief = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3, "mode": "standard"})
    try:
        found = checks.find_account(cache(lambda name: boto3.client(name, region_name=deployment.region, config=brief)))
    except NoRegionError:
        return [checks.Finding("failed", "There is no region.", "Set AWS_REGION, or pin the stage to an account.")]
    return [found] if isinstance(found, checks.Finding) else [*checks.examine(found, deployment)]


if __name__ == "__main__":
    sys.exit(main())
