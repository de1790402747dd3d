"""Webhooks through the whole local stack: their delay, and the effect of a dead endpoint on the others.

The stack's engine makes about 200 writes a second: compare the figures with each other, not with AWS.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import httpx

from infra.local import engine
from tests.load import report, sink, waiting
from tests.load.sink import Sink

_ENDPOINTS, _SECONDS, _RATES = 100, 20, (5, 10)


#: The number of deliveries that wait for one receiver. Moto holds them in this process; only their number affects the
#: count.
_WAITING, _FEW = 600, 100
#: The length of the line beside another organization's delivery.
_LINE = 2_000


def measure() -> None:
    """Print the cost of waiting, and the delay of webhooks."""
    _waiting()
    _beside()
    with sink.run_sink() as found:
        _through_the_stack(found)


def _waiting() -> None:
    rows = []
    for number in (_FEW, _WAITING):
        for name, cause in (
            ("its one slot is taken", waiting.hold_slot),
            ("its breaker is open", waiting.open_breaker),
        ):
            cost = waiting.measure_cost(number, cause)
            assert cost.delivered == number, f"{cost.delivered} of {number} arrived"
            rows.append((f"{number:,}: {name}", *cost.row(number)))
    report.table(
        "Webhooks that wait for one receiver, in moto: SQS messages and requests for each, from its job to the record"
        " of its delivery\n(target: a message each and a few wake-ups, however many wait; polling took 30 a minute)",
        ("deliveries", "messages", "wake-ups in all", "requests to DynamoDB"),
        rows,
    )
    report.at_most("SQS messages for a webhook that waits", cost.messages / number, "messages", 1.1)
    report.at_most("requests to DynamoDB for a webhook that waits", cost.dynamodb / number, "requests", 2)


def _beside() -> None:
    found = {
        "it is sent": waiting.measure_neighbor(_LINE, disabled=False),
        "its webhook is disabled": waiting.measure_neighbor(_LINE, disabled=True),
    }
    report.table(
        f"Another organization's webhook, in one batch with the wake-up of {_LINE:,} that wait for one receiver, in"
        " moto, by a clock moved by hand\n(target: it is sent with the first round, and the batch ends after its turn)",
        ("the line", "posts before it", "seconds until it is sent", "done of the line", "seconds of the batch"),
        [(name, *one.row) for name, one in found.items()],
    )
    report.at_most("posts of a long line before another's webhook", max(o.posts for o in found.values()), "posts", 10)
    report.at_most("a batch with a long line", max(one.batch_seconds for one in found.values()), "s", 10)


def _through_the_stack(found: Sink) -> None:
    with TemporaryDirectory() as folder, _stack(Path(folder)) as stack:
        orgs = [_organization(stack) for _ in range(_ENDPOINTS // 50)]
        hooks = [_hook(stack, org, f"{found.url}/hook/{n}") for org in orgs for n in range(50)]
        _sent(stack, found, hooks, 10, 5)  # each responds once, so that none is new
        rows = [_row(f"{rate}/s, all well", _sent(stack, found, hooks, rate, _SECONDS)) for rate in _RATES]
        dead = _hook(stack, _organization(stack), f"{found.url}/dead")
        with_it = _sent(stack, found, hooks, _RATES[0], _SECONDS, dead=dead)
        rows.append(_row(f"{_RATES[0]}/s, one more is dead", with_it))
        report.table(
            f"Webhooks through the local stack, every attempt recorded: seconds from the request that commits an event"
            f" to its receipt,\n{_ENDPOINTS} endpoints (target: a dead one adds nothing that can be measured)",
            ("", "events", "arrived", "p50 s", "p99 s", "longest s"),
            rows,
        )


@dataclass(frozen=True)
class _Hook:
    path: str
    headers: dict[str, str]


def _organization(stack: httpx.Client) -> dict[str, str]:
    name = f"load-{os.urandom(5).hex()}"
    made = stack.post("/v1/agent/sign-up", json={"human_email": f"{name}@example.com", "username": name}).json()
    _switchboard(stack, "org", "set-plan", made["organization_id"], "scale")
    return {"Authorization": f"Bearer {made['master_key']}"}


def _switchboard(stack: httpx.Client, *words: str) -> None:
    home = stack.headers["x-load-home"]
    command = [sys.executable, "-c", "import sys; from switchboard.cli import main; sys.exit(main())"]
    subprocess.run([*command, "--local", home, *words], check=True, capture_output=True)


def _hook(stack: httpx.Client, org: dict[str, str], url: str) -> _Hook:
    answer = stack.post("/v1/webhooks", json={"url": url, "events": ["call.*"]}, headers=org)
    assert answer.status_code == 201, answer.text
    return _Hook(f"/v1/webhooks/{answer.json()['id']}", org)


def _sent(
    stack: httpx.Client, found: Sink, hooks: list[_Hook], rate: int, seconds: int, *, dead: _Hook | None = None
) -> list[float | None]:
    """Send test events at a rate. Returns the time that each took to arrive."""
    found.taken()
    began: dict[str, float] = {}
    start = time.time()
    for number in range(rate * seconds):
        time.sleep(max(0.0, start + number / rate - time.time()))
        hook, at = hooks[number % len(hooks)], time.time()
        began[stack.post(f"{hook.path}/test", headers=hook.headers).json()["deliveryId"]] = at
        if dead and number % rate == 0:
            stack.post(f"{dead.path}/test", headers=dead.headers)
    arrived: dict[str, float] = {}
    deadline = time.time() + 30
    while len(arrived) < len(began) and time.time() < deadline:
        time.sleep(0.5)
        arrived |= {name: at for name, at in found.taken() if name in began and name not in arrived}
    return [arrived[name] - at if name in arrived else None for name, at in began.items()]


def _row(name: str, taken: list[float | None]) -> tuple[object, ...]:
    times = sorted(one for one in taken if one is not None)
    cuts = quantiles(times, n=100)
    return (name, len(taken), len(times), f"{median(times):.2f}", f"{cuts[98]:.2f}", f"{times[-1]:.2f}")


@contextmanager
def _stack(home: Path) -> Iterator[httpx.Client]:
    port = engine.free_port()
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("AWS_", "SWITCHBOARD_"))}
    environ |= {"SWITCHBOARD_HOME": str(home), "PORT": str(port), "SWITCHBOARD_KEY_CACHE_SECONDS": "1"}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "infra.local"], env=environ, stdout=log, stderr=log)
    try:
        while not (home / "ready").exists():
            assert process.poll() is None, (home / "log").read_text()
            time.sleep(0.1)
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=30, headers={"x-load-home": str(home)}
        ) as client:
            yield client
    finally:
        process.terminate()
        process.wait()
