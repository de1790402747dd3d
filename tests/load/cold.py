"""Cold start: a function's import and init in a fresh process, compared with the minimum that its libraries allow.

The floor is a Powertools resolver with validation and one pydantic route, and a botocore client of DynamoDB. A
function's init is its handler's import and the same client, created as in the function. Both are timed inside the
process, from the interpreter's first line. Rounds alternate between all candidates, so that noise affects all of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from infra import topology
from infra.local.engine import REGION
from tests.load import report

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 11
TARGET = 1.25

_TIMED = """
import time
started = time.perf_counter()
{code}
print(time.perf_counter() - started)
"""
_FLOOR = """
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from pydantic import BaseModel
class Thing(BaseModel):
    name: str
app = APIGatewayRestResolver(enable_validation=True)
@app.post("/things")
def make(thing: Thing) -> Thing:
    return thing
import botocore.session
botocore.session.get_session().create_client("dynamodb")
"""
_FUNCTION = """
from functions.{module}.handler import handler
from switchboard.aws import clients
clients.dynamodb_client()
clients.dynamodb_client_without_retries()
"""


def measure() -> None:
    """Print init times, and their ratio to the floor."""
    names = [function.name for function in topology.FUNCTIONS if _handler(function.name).exists()]
    codes = {"(the floor)": _FLOOR} | {name: _FUNCTION.format(module=name.replace("/", ".")) for name in names}
    times: dict[str, list[float]] = {name: [] for name in codes}
    for number in range(ROUNDS + 1):
        for name, code in codes.items():
            seconds = _run(code)
            if number:  # The first round fills the disk's cache.
                times[name].append(seconds)
    middle = {name: median(seconds) for name, seconds in times.items()}
    floor = middle["(the floor)"]
    report.table(
        f"Cold start: import and init of a new process, median of {ROUNDS} (target: {TARGET} times the floor)",
        ("function", "ms", "x floor", "target"),
        [
            (
                name,
                f"{seconds * 1000:.0f}",
                f"{seconds / floor:.2f}",
                "" if seconds is floor else report.met(seconds <= TARGET * floor),
            )
            for name, seconds in middle.items()
        ],
    )


def _handler(name: str) -> Path:
    return ROOT / "functions" / name / "handler.py"


def _run(code: str) -> float:
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers")]),
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }
    answer = subprocess.run(
        [sys.executable, "-c", _TIMED.format(code=code)], env=environ, capture_output=True, text=True, check=True
    )
    return float(answer.stdout)
