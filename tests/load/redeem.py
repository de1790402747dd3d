"""A thousand attempts at one session token, from fifty clients at once, on the local engine: one may win.

Each client redeems until it has made its number of attempts. The rate is the engine's, which handles a few hundred
requests a second; it says nothing about DynamoDB. For comparison, one client makes one request after another.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

from infra.local import engine, provision
from switchboard.errors import Unauthenticated
from switchboard.roleplay import sessions, store, tokens
from switchboard.roleplay.models import DrillRequest
from tests.actors import Reseller, reseller
from tests.conftest import clear_caches
from tests.load import report, stub

ATTEMPTS, CLIENTS = 1_000, 50
_READS = 200


def measure() -> None:
    """Print the outcomes of the attempts, and the attempts per second."""
    stub.drop_log()
    with tempfile.TemporaryDirectory() as folder, engine.running_engine(Path(folder) / "engine.log") as running:
        environ = running.environ()
        environ |= provision.provision(environ)
        with patch.dict(os.environ, environ):
            clear_caches()
            outcomes, seconds, reads = _attempts(reseller("load"))
            clear_caches()
    refused = {name: number for name, number in outcomes.items() if name != "redeemed"}
    report.table(
        f"Redeem: {ATTEMPTS:,} attempts at one token from {CLIENTS} clients, on the local engine",
        ("redeemed", "refused", "exactly one", "attempts/s", "reads/s, one client"),
        [
            (
                outcomes["redeemed"],
                " ".join(f"{name} {number}" for name, number in sorted(refused.items())),
                report.met(outcomes["redeemed"] == 1),
                f"{ATTEMPTS / seconds:.0f}",
                f"{reads:.0f}",
            )
        ],
    )


def _attempts(acme: Reseller) -> tuple[Counter[str], float, float]:
    token = sessions.mint_session(acme.caller(), "rep_1", None).token
    claims = tokens.verify_token(token)
    started = time.perf_counter()
    for _ in range(_READS):
        store.SESSIONS.get_object(*claims)
    reads = _READS / (time.perf_counter() - started)
    ready = threading.Barrier(CLIENTS)

    def client(_: int) -> list[str]:
        ready.wait()
        return [_attempt(token) for _ in range(ATTEMPTS // CLIENTS)]

    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        outcomes = Counter(outcome for found in pool.map(client, range(CLIENTS)) for outcome in found)
    return outcomes, time.perf_counter() - started, reads


def _attempt(token: str) -> str:
    try:
        sessions.redeem_session(sessions.admit_token(token), DrillRequest(drill_key="ma-full-sale"))
    except Unauthenticated as refusal:
        return refusal.code
    except Exception as error:  # noqa: BLE001 any other outcome is shown in the table
        return type(error).__name__
    return "redeemed"
