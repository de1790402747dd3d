"""What tests run against: moto for one thread, the engine for many, the whole stack over HTTP."""

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

import pytest

from infra.local import engine, provision
from switchboard.access import keys as access
from switchboard.aws import clients as session
from switchboard.aws import retries, secret
from switchboard.edge import idempotency, rate_limit
from switchboard.events import store as event_store
from switchboard.kit import background, clock, settings
from switchboard.timers import store as timer_store
from switchboard.usage import charges
from switchboard.webhooks import delivery_worker
from tests import clients, moto_cloud

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_finish() -> None:
    """What was imported and collected stays: the garbage collector need not go through it again and again."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def forget() -> None:
    """Drop whatever the process remembers of tables, keys and limits, as a new process would."""
    settings.clear_cache()
    session.clear_clients()
    secret.clear_cache()
    access.clear_cache()
    rate_limit.reset_memory()
    idempotency.clear_cache()
    delivery_worker.close_client()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries wait for nothing in tests."""
    monkeypatch.setattr(retries, "sleep", lambda _: None)


@pytest.fixture(autouse=True)
def _one_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick looks through one shard of timers, and a replay through one of events: each costs its requests."""
    monkeypatch.setattr(timer_store, "SHARDS", 1)
    monkeypatch.setattr(event_store, "_SHARDS", 1)


@pytest.fixture(autouse=True)
def _in_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing runs aside in tests that do not ask for it: the order of their calls is always the same."""
    monkeypatch.setattr(background, "submit", background.run_inline)


@pytest.fixture(autouse=True)
def _first_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Usage is counted on the first slice in tests that do not spread it: their calls are always the same."""
    monkeypatch.setattr(charges, "choose_slice", lambda _: 0)


def _enter(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]) -> None:
    for name in list(os.environ):
        if name.startswith("SWITCHBOARD_"):
            monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    forget()
    monkeypatch.setattr(session, "_session", cache(clients.Session))


@pytest.fixture
def frozen() -> Iterator[clock.FrozenClock]:
    """A clock that stands until the test moves it."""
    source = clock.FrozenClock()
    with clock.using(source):
        yield source


@contextmanager
def moto(monkeypatch: pytest.MonkeyPatch, *, quick: bool = True) -> Iterator[dict[str, str]]:
    """What the fixture `cloud` gives. Without `quick`, moto keeps the tables' items itself."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in moto_cloud.ENVIRON.items():
        monkeypatch.setenv(name, value)
    with moto_cloud.running(quick=quick) as found:
        _enter(monkeypatch, found | {"SWITCHBOARD_MAIL_CARRIER": "simulator"})
        yield found
    forget()


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
    """Empty tables and queues in the engine, in an account of the test's own: isolated, and true under threads."""
    environ = running_engine.environ(f"{next(_accounts):012d}")
    found = environ | provision.provision(environ, reaped=False)
    _enter(monkeypatch, found)
    yield found
    forget()


@dataclass(frozen=True)
class Stack:
    """A running local stack: where it answers, and the demo organization's keys."""

    url: str
    home: Path
    keys: dict[str, str]
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole system, started as `make run` starts it, on ports of its own."""
    with stack_in(tmp_path_factory.mktemp("stack")) as started:
        yield started


@contextmanager
def stack_in(home: Path) -> Iterator[Stack]:
    """What the fixture `stack` gives, in a folder."""
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
            yield _await(process, home)
        finally:
            process.terminate()
            process.wait(timeout=40)


def _await(process: subprocess.Popen[bytes], home: Path, seconds: float = 90) -> Stack:
    deadline = time.monotonic() + seconds
    while not (home / "ready").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the stack did not come up:\n{(home / 'stack.log').read_text()[-4000:]}")
        time.sleep(0.05)
    keys = dict(line.split("=", 1) for line in (home / "demo.env").read_text().splitlines())
    return Stack(keys.pop("SWITCHBOARD_URL").replace("localhost", "127.0.0.1"), home, keys, process)
