"""The backends of tests: moto for one thread, the local engine for many, the whole stack over HTTP."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from infra.local import engine, provision
from switchboard import telemetry
from switchboard.access import keys as access
from switchboard.aws import dynamodb, secret
from switchboard.aws.clients import clear_clients
from switchboard.edge import idempotency, rate_limit
from switchboard.events import service as events
from switchboard.kit import background, clock, settings
from switchboard.timers import store as timer_store
from switchboard.usage import charges
from switchboard.webhooks import delivery_worker
from tests import clients, moto_cloud
from tests.settings import THOROUGH

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests marked `thorough` to `make thorough`: another test tries their behavior once."""
    if THOROUGH:
        return
    left_out = [item for item in items if item.get_closest_marker("thorough")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]


def pytest_collection_finish() -> None:
    """Exclude imported modules and collected tests from garbage collection, because they stay until the end."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def clear_caches() -> None:
    """Clear the process's caches of tables, keys and limits, as in a new process."""
    settings.clear_cache()
    clear_clients()
    secret.clear_cache()
    access.clear_cache()
    rate_limit.reset_memory()
    idempotency.clear_cache()
    delivery_worker.close_client()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries do not wait in tests."""
    monkeypatch.setattr(dynamodb, "sleep", lambda _: None)


@pytest.fixture(autouse=True)
def _one_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick reads one shard of timers, and a replay one shard of events, because each shard costs requests."""
    monkeypatch.setattr(timer_store, "SHARDS", 1)
    monkeypatch.setattr(events, "_SHARDS", 1)


@pytest.fixture(autouse=True)
def _in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Background work runs in line unless the test asks for threads: the order of calls is always the same."""
    monkeypatch.setattr(background, "submit", background.run_inline)


@pytest.fixture(autouse=True)
def _first_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Usage is counted on the first slice unless the test spreads it: the calls are always the same."""
    monkeypatch.setattr(charges, "choose_slice", lambda _: 0)


def _set_environment(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for name in list(os.environ):
        if name.startswith("SWITCHBOARD_"):
            monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    clear_caches()
    monkeypatch.setattr("switchboard.aws.clients._session", cache(clients.Session))


@pytest.fixture
def frozen() -> Iterator[clock.FrozenClock]:
    """A clock that stands still until the test moves it."""
    source = clock.FrozenClock()
    with clock.using(source):
        yield source


#: The skips that workers log: the reason and the ids of each.
Skips = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def skipped(monkeypatch: pytest.MonkeyPatch) -> Skips:
    """The skips that are logged during the test."""
    found: Skips = []
    monkeypatch.setattr(telemetry, "log_skip", lambda reason, **ids: found.append((reason, ids)))
    return found


@contextmanager
def moto(monkeypatch: pytest.MonkeyPatch, *, quick: bool = True) -> Iterator[dict[str, str]]:
    """The same as the fixture `cloud`. Without `quick`, moto keeps the items of tables itself."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in moto_cloud.ENVIRON.items():
        monkeypatch.setenv(name, value)
    with moto_cloud.use_moto(quick=quick) as found:
        _set_environment(monkeypatch, found | {"SWITCHBOARD_MAIL_CARRIER": "simulator"})
        yield found
    clear_caches()


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Empty queues and buckets in moto, and empty tables in memory: for one thread only. Mail goes to the simulator."""
    with moto(monkeypatch) as found:
        yield found


@pytest.fixture(scope="session")
def running_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engine.Engine]:
    """The local AWS engine, one for the session."""
    with engine.running_engine(tmp_path_factory.mktemp("engine") / "engine.log") as running:
        yield running


_accounts = count(int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) * 10_000 + 1)


@pytest.fixture
def engine_cloud(running_engine: engine.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Empty tables and queues in the engine, in the test's own account: isolated, and correct with threads."""
    environ = running_engine.environ(f"{next(_accounts):012d}")
    found = environ | provision.provision(environ, reaped=False)
    _set_environment(monkeypatch, found)
    yield found
    clear_caches()


@dataclass(frozen=True)
class Stack:
    """A running local stack: its address, and the keys of the demo organization."""

    url: str
    home: Path
    keys: dict[str, str]
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, started as `make run` starts it, on its own ports."""
    with stack_in(tmp_path_factory.mktemp("stack")) as started:
        yield started


@contextmanager
def stack_in(home: Path) -> Iterator[Stack]:
    """The same as the fixture `stack`, in a given folder."""
    with (home / "stack.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.local"],
            cwd=ROOT,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SWITCHBOARD_"))},
                "SWITCHBOARD_HOME": str(home),
                "SWITCHBOARD_KEY_CACHE_SECONDS": "1",
                "SWITCHBOARD_SIGN_UPS_PER_HOUR": "10000",
                "SWITCHBOARD_STRANGER_PER_MINUTE": "100000",
                "SWITCHBOARD_STRANGER_PER_SECOND": "10000",
                "SWITCHBOARD_PERSON_PER_MINUTE": "100000",
                "SWITCHBOARD_PERSON_PER_SECOND": "500",
                "SWITCHBOARD_ROLEPLAY_STEP_SECONDS": "0",
                "SWITCHBOARD_VOICE_STEP_SECONDS": "1",
                "PORT": str(engine.free_port()),
            },
            stdout=log,
            stderr=log,
        )
        try:
            yield _wait_for_stack(process, home)
        finally:
            process.terminate()
            process.wait(timeout=40)


def _wait_for_stack(process: subprocess.Popen[bytes], home: Path, seconds: float = 90) -> Stack:
    deadline = time.monotonic() + seconds
    while not (home / "ready").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the stack did not start:\n{(home / 'stack.log').read_text()[-4000:]}")
        time.sleep(0.05)
    keys = dict(line.split("=", 1) for line in (home / "demo.env").read_text().splitlines())
    return Stack(keys.pop("SWITCHBOARD_URL").replace("localhost", "127.0.0.1"), home, keys, process)
