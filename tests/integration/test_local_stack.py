"""The local stack loses no confirmed write, however a part or all of it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from infra.local import dynoxide, engine, server
from tests.integration.conftest import wait_until
from tests.running import ENGINE, IDENTITY, PATIENCE, POOLS, TABLES, Running, is_alive, read_text

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="processes are found through /proc")
needs_dynoxide = pytest.mark.skipif(not dynoxide.has_build(), reason="tables live in the AWS engine on this machine")

#: How many batches of one queue are processed at once.
_WORKERS_OF_A_QUEUE = 2
_REPLACED = "pool died. Another one takes its place."


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    found = Running(tmp_path_factory.mktemp("local") / "home")
    found.start()
    yield found
    parts = found.parts()
    assert found.end(signal.SIGTERM) == 0
    wait_until(lambda: not [pid for pid in parts if is_alive(pid)], PATIENCE)
    assert "Stopped. The data is kept." in read_text(found.output)


def test_status_shows_every_part_of_a_running_stack(stack: Running) -> None:
    assert stack.process
    status, text = stack.command("status", "--json")
    told = json.loads(text)
    assert (status, told["status"], told["pid"]) == (0, "works", stack.process.pid), text
    assert told["url"].endswith(f":{stack.port}")
    assert abs(time.time() - told["started_at"]) < 600
    names = {part["name"] for part in told["parts"]}
    assert {"APIs", "SMTP for the agents", "AWS engine", "OpenID provider", "pool worker"} <= names
    assert sorted(pid for pool in told["pools"] for pid in pool["pids"]) == sorted(stack.pool_processes())

    os.kill(stack.pool_processes()[0], signal.SIGSTOP)
    (engine_pid,) = stack.parts(ENGINE)
    os.kill(engine_pid, signal.SIGSTOP)
    try:
        status, text = stack.command("status")
    finally:
        for pid in (engine_pid, *stack.pool_processes()):
            os.kill(pid, signal.SIGCONT)
    assert status == 1
    assert re.search(r"AWS engine +localhost:\d+ +does not answer", text), text
    wait_until(lambda: stack.command("status")[0] == 0, PATIENCE)


def test_a_running_stack_refuses_a_second_start_a_reset_and_its_ports(stack: Running, tmp_path: Path) -> None:
    for words in ((), ("--detach",), ("reset", "--force")):
        status, text = stack.command(*words)
        assert (status, len(text.splitlines())) == (1, 1), text
        assert "`make stop` stops it" in text
    for name in ("PORT", "IDENTITY_PORT", "SMTP_PORT"):
        status, text = stack.command(SWITCHBOARD_HOME=str(tmp_path), **_only(name, stack.port))
        told = f"Another program uses port {stack.port}: stop that program, or run `{name}=<another port> make run`."
        assert (status, text) == (1, f"{told}\n")
    assert stack.send()


def _only(name: str, port: int) -> dict[str, str]:
    """Free ports, and a given port for one setting."""
    free = {one: str(engine.free_port()) for one in ("PORT", "IDENTITY_PORT", "SMTP_PORT")}
    return free | {name: str(port)}


def test_a_stack_in_the_background_is_ready_at_return_and_stops_with_its_data(tmp_path: Path) -> None:
    detached = Running(tmp_path / "home")
    status, text = detached.command("--detach")
    assert status == 0, text
    try:
        assert "`make stop` stops it" in text
        assert detached.keys["ANIMA_AGENT_KEY"] in text
        assert detached.send()
        assert detached.command("status")[0] == 0
        assert "functions |" in detached.command("logs")[1]
    finally:
        status, text = detached.command("stop")
    assert (status, text.splitlines()[-1]) == (0, "Stopped. The data is kept.")
    for log in detached.home.glob("*.log"):
        assert "Traceback" not in log.read_text(), f"{log.name}: a normal stop is no error"
    assert detached.command("status")[0] == 3
    assert detached.command("stop")[0] == 0
    status, text = detached.command("reset", "--force")
    assert status == 0
    assert not (tmp_path / "home" / "data").exists()


def test_a_stack_that_cannot_start_in_the_background_says_why(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    (home / "data" / "tables.db").write_text("no database")
    status, text = Running(home).command("--detach")
    assert status == 1
    assert "see" in text
    assert Running(home).command("status")[0] == 3


@needs_dynoxide
@pytest.mark.parametrize("part", [ENGINE, TABLES, pytest.param(IDENTITY, marks=pytest.mark.thorough)])
def test_a_killed_server_restarts_with_its_data_and_two_lines_of_log(stack: Running, part: str) -> None:
    said = len(read_text(stack.output).splitlines())
    before = stack.send()
    wait_until(lambda: stack.status(before) == "DELIVERED", PATIENCE)
    (killed,) = stack.parts(part)
    os.kill(killed, signal.SIGKILL)
    at = time.monotonic()
    wait_until(lambda: "killed by signal 9" in "".join(read_text(stack.output).splitlines()[said:]), PATIENCE)
    assert time.monotonic() - at < 5
    wait_until(lambda: "is up again" in "".join(read_text(stack.output).splitlines()[said:]), PATIENCE)

    assert stack.status(before) == "DELIVERED"
    after = stack.send()
    wait_until(lambda: stack.status(after) == "DELIVERED", PATIENCE)
    (successor,) = stack.parts(part)
    assert successor != killed
    assert len(read_text(stack.output).splitlines()[said:]) == 2, read_text(stack.output)


@needs_dynoxide
@pytest.mark.parametrize("with_their_origin", [pytest.param(False, marks=pytest.mark.thorough), True])
def test_killed_pool_processes_are_replaced(stack: Running, with_their_origin: bool) -> None:
    before, told = stack.pool_processes(), read_text(stack.output).count(_REPLACED)
    assert len(before) > 1
    for pid in stack.parts(POOLS) if with_their_origin else before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(set(stack.pool_processes()) - set(before)) == len(before), PATIENCE)
    message = stack.send()
    wait_until(lambda: stack.status(message) == "DELIVERED", PATIENCE)
    assert read_text(stack.output).count(_REPLACED) == told + len(before)


@needs_dynoxide
def test_mail_that_waits_while_the_engine_is_killed_is_delivered_afterwards(stack: Running) -> None:
    (pid,) = stack.parts(ENGINE)
    # The queue cannot accept its job: only the table knows about the mail.
    os.kill(pid, signal.SIGSTOP)
    messages = [stack.send() for _ in range(3)]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: {stack.status(message) for message in messages} == {"DELIVERED"}, PATIENCE)


@needs_dynoxide
@pytest.mark.parametrize(
    "end",
    [
        pytest.param((signal.SIGKILL,), id="kill -9"),
        pytest.param((signal.SIGHUP,), id="closed terminal", marks=pytest.mark.thorough),
        pytest.param((signal.SIGINT, signal.SIGINT), id="double Ctrl-C", marks=pytest.mark.thorough),
    ],
)
def test_a_restarted_stack_continues_with_its_data(stack: Running, end: tuple[int, ...]) -> None:
    keys, secret = stack.keys, read_text(stack.home / "data" / "root_secret")
    delivered = stack.send()
    wait_until(lambda: stack.status(delivered) == "DELIVERED", PATIENCE)
    parts = stack.parts()
    assert len(parts) >= 3
    under_way = [stack.send() for _ in range(5)]

    status = stack.end(*end)

    assert status == (-signal.SIGKILL if end == (signal.SIGKILL,) else 0), read_text(stack.output)
    wait_until(lambda: not [pid for pid in parts if is_alive(pid)], PATIENCE)
    if status == 0:
        assert not (stack.home / "ready").exists()
        assert not (stack.home / "smtp_port").exists()
    stack.start()
    assert stack.keys == keys
    assert read_text(stack.home / "data" / "root_secret") == secret
    assert stack.status(delivered) == "DELIVERED"
    wait_until(lambda: _all_delivered(stack, under_way, unless_caught=end == (signal.SIGKILL,)), PATIENCE)


def _all_delivered(stack: Running, messages: list[str], *, unless_caught: bool) -> bool:
    """Whether the mails have arrived. A kill may hit each worker between claim and send. Nobody knows whether that mail
    was sent, so it is never sent again, and a job waits to report its unknown outcome.
    """
    missing = {message: status for message in messages if (status := stack.status(message)) != "DELIVERED"}
    if not unless_caught or set(missing.values()) - {"QUEUED"}:
        return not missing
    return len(missing) <= _WORKERS_OF_A_QUEUE and missing.keys() <= _to_be_confirmed(stack)


def _to_be_confirmed(stack: Running) -> set[str]:
    with sqlite3.connect(f"file:{stack.home / 'data' / 'state' / 'queues.db'}?mode=ro", uri=True) as journal:
        bodies = [json.loads(json.loads(text)["body"]) for (text,) in journal.execute("SELECT body FROM messages")]
    return {body["message_id"] for body in bodies if body.get("job") == "ConfirmMail"}


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[Callable[[int], None]]:
    """Starts an engine outside any stack, on a port."""
    started: list[subprocess.Popen[bytes]] = []

    def start(port: int) -> None:
        environ = {"PATH": os.environ["PATH"], "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
        with (tmp_path / "foreign.log").open("wb") as log:
            started.append(
                subprocess.Popen([engine.install_engine() / "bin" / "ministack"], env=environ, stdout=log, stderr=log)
            )
        wait_until(
            lambda: httpx.get(f"http://127.0.0.1:{port}/_ministack/health").is_success if _listens(port) else False
        )

    yield start
    for process in started:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    return not server.is_free(port)


def test_a_leftover_engine_is_reported_and_not_used(tmp_path: Path, foreign: Callable[[int], None]) -> None:
    home, port = tmp_path / "home", engine.free_port()
    (home / "data").mkdir(parents=True)
    (home / "data" / "port").write_text(str(port))
    foreign(port)
    stack = Running(home)
    assert stack.begin().wait(PATIENCE) != 0
    assert f"answers on port {port}" in read_text(stack.output)
    assert len(read_text(stack.output).splitlines()) == 1
    assert not (home / "ready").exists()


@pytest.mark.thorough
def test_tables_in_the_aws_engine_return_to_the_last_save_after_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "home" / "data" / "state"
    state.mkdir(parents=True)
    # As on a machine without a build of dynoxide: the data stays in the engine.
    (state / "dynamodb.json").write_text("{}")
    stack = Running(tmp_path / "home")
    stack.start()
    try:
        keys, saved = stack.keys, stack.send()
        wait_until(lambda: stack.status(saved) == "DELIVERED", PATIENCE)
        # Committed together with the state that was seen above.
        wait_until(lambda: "email.delivered" in (state / "dynamodb.json").read_text(), PATIENCE)
        parts = stack.parts()
        stack.end(signal.SIGKILL)
        wait_until(lambda: not [pid for pid in parts if is_alive(pid)], PATIENCE)
        assert not (tmp_path / "home" / "data" / "tables.db").exists()

        stack.start()
        assert stack.keys == keys
        assert stack.status(saved) == "DELIVERED"
        last = stack.send()
    finally:
        assert stack.end(signal.SIGTERM) == 0
    assert last in (state / "dynamodb.json").read_text()
