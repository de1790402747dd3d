"""The AWS engine's process: ministack with durable storage. It runs in the engine's own Python environment.

| data | written to the disk |
|---|---|
| messages of queues | before the response to the request that sends, receives or deletes them (`Journal`) |
| objects | before the response; ministack does this, and a failure becomes an error here |
| mail | in the mailbox before the response to SendEmail; ministack would relay it later |
| everything else (secrets, and tables if they are here) | every few seconds after a change, and at the end |

If the tables are here too (`STACK_TABLES`), there is no journal: after a kill, tables, streams and queues go back
together to the last save, so that they are consistent.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import json
import logging
import math
import os
import re
import resource
import signal
import sqlite3
import sys
import threading
import time
import types
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple

_NONCE_PATH, _SAVE_PATH = "/_stack/nonce", "/_stack/save"
NOT_WRITTEN = 3
_SAVE_EVERY_SECONDS = float(os.environ.get("STACK_SAVE_SECONDS", "5"))
#: Longer than any save takes: hypercorn limits the shutdown to this time.
_FOREVER_SECONDS = 86_400
#: How long ministack waits between two looks into an empty queue.
_USUAL_PAUSE_SECONDS = 0.1
_READS = re.compile(r"\.(Get|List|Describe|Query|Scan|BatchGet|TransactGet|Receive)\w*$")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

logger = logging.getLogger("stack")
#: The mail of the current request.
_mail: contextvars.ContextVar[list[tuple[Any, ...]]] = contextvars.ContextVar("_mail")
_UPSERT = """INSERT INTO messages (queue, id, leased, body) VALUES (?, ?, ?, ?)
    ON CONFLICT (queue, id) DO UPDATE SET leased = excluded.leased, body = excluded.body"""


class _Mark(NamedTuple):
    """The parts of a message that change while it is in its queue."""

    visible_at: float | None
    receive_count: int | None
    handle: str | None


def _mark(message: dict[str, Any]) -> _Mark:
    return _Mark(message.get("visible_at"), message.get("receive_count"), message.get("receipt_handle"))


class Journal:
    """The queues and their messages in a SQLite file. Changes are written after each SQS request."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        # Written data survives the end of every process. A crash of the machine may lose the latest changes.
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS queues (name TEXT PRIMARY KEY, account TEXT, region TEXT, body TEXT)"
        )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS messages (queue TEXT, id TEXT, leased INTEGER, body TEXT, UNIQUE (queue, id))"
        )
        self._queues: dict[str, str] = {}
        self._messages: dict[str, dict[str, _Mark]] = {}

    def restore(self, sqs: Any, *, held: Collection[str] = ()) -> None:
        """Load queues and messages into the engine. Received messages are visible at once, except the held ones.

        `held` are the receipt handles that workers hold. Nobody holds the others: their worker was killed, or the
        engine was killed before its response with them arrived.
        """
        now = time.time()
        for name, account, region, body in self._db.execute("SELECT name, account, region, body FROM queues"):
            url = sqs._queue_url_for_account(account, name)
            found = json.loads(body)
            queue = {**found, "name": name, "url": url, "messages": [], "dedup_cache": {}}
            self._queues[name], self._messages[name] = body, {}
            rows = self._db.execute("SELECT leased, body FROM messages WHERE queue = ? ORDER BY rowid", (name,))
            for leased, text in rows:
                message = json.loads(text)
                self._messages[name][message["id"]] = _mark(message)
                if leased and message["visible_at"] > now and message["receipt_handle"] not in held:
                    # The worker did not finish, so this receive does not count for the dead-letter queue.
                    message |= {"visible_at": now, "receive_count": max(0, message["receive_count"] - 1)}
                queue["messages"].append(message)
            sqs._queues.set_scoped(account, region, url, queue)
        sqs._rebuild_queue_name_index()
        self.write_changes(sqs)

    def write_changes(self, sqs: Any) -> None:
        """Write the changes since the last note. Raises sqlite3.Error on a failure, and the next note tries again.

        A message with a new handle was received by a worker. The note of any request may find this, because requests
        run in parallel. A message with the same handle and another time was delayed by its worker.
        """
        queues: dict[str, str] = {}
        messages: dict[str, dict[str, _Mark]] = {}
        statements: list[tuple[str, tuple[Any, ...]]] = []
        for (account, region, _url), queue in sqs._queues.all_items():
            name = queue["name"]
            queues[name] = body = _description(queue)
            if self._queues.get(name) != body:
                row = (name, account, region, body)
                statements.append(
                    ("INSERT OR REPLACE INTO queues (name, account, region, body) VALUES (?, ?, ?, ?)", row)
                )
            before, after = self._messages.get(name, {}), {}
            for one in queue["messages"]:
                key = one["id"]
                after[key] = mark = _mark(one)
                known = before.get(key)
                if known != mark:
                    leased = mark.handle is not None and (known is None or known.handle != mark.handle)
                    statements.append((_UPSERT, (name, key, int(leased), json.dumps(one))))
            messages[name] = after
            statements += [
                ("DELETE FROM messages WHERE queue = ? AND id = ?", (name, key)) for key in before.keys() - after
            ]
        for name in self._queues.keys() - queues.keys():
            statements += [
                ("DELETE FROM queues WHERE name = ?", (name,)),
                ("DELETE FROM messages WHERE queue = ?", (name,)),
            ]
        if statements:
            self._execute_all(statements)
        self._queues, self._messages = queues, messages

    def _execute_all(self, statements: list[tuple[str, tuple[Any, ...]]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for statement, values in statements:
                self._db.execute(statement, values)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def _description(queue: dict[str, Any]) -> str:
    # Counts are computed at each request. After a restart, the consumers recognize duplicates themselves.
    attributes = {key: text for key, text in queue["attributes"].items() if not key.startswith("Approximate")}
    return json.dumps(
        {"attributes": attributes, "tags": queue["tags"], "is_fifo": queue["is_fifo"], "fifo_seq": queue["fifo_seq"]}
    )


def order_fairly(messages: list[dict[str, Any]], now: float) -> list[dict[str, Any]]:
    """Returns the visible messages of a queue in the order in which a fair queue of SQS delivers them.

    A group of messages (here an organization) that has few messages in flight comes before one that has many. So the
    backlog of an organization whose servers do not answer delays nobody else. ministack has no fair queues.
    """
    held = Counter(one["group_id"] for one in messages if one["visible_at"] > now and one["receive_count"])
    ranked: list[tuple[int, dict[str, Any]]] = []
    for one in messages:
        if one["visible_at"] <= now:
            ranked.append((held[one["group_id"]], one))
            held[one["group_id"]] += 1
    return [one for _, one in sorted(ranked, key=lambda pair: pair[0])]


def make_queues_fair(sqs: Any) -> None:
    """Lets the standard queues of ministack's module `sqs` be fair."""
    collect = sqs._collect_msgs

    def collect_fairly(queue: dict[str, Any], most: int, hidden_seconds: int) -> list[dict[str, Any]]:
        if queue["is_fifo"]:
            return list(collect(queue, most, hidden_seconds))
        for one in queue["messages"]:
            sqs._ensure_msg_fields(one)
        first = order_fairly(queue["messages"], time.time())[:most]
        return list(collect({**queue, "messages": first}, most, hidden_seconds))

    sqs._collect_msgs = collect_fairly


class LongPolls:
    """Lets the receives of empty queues wait for a change, where ministack looks into each queue every 100 ms."""

    #: Changes within this time wake the receives once.
    TOGETHER_SECONDS = 0.01
    #: ministack itself may add a message, for example to a dead-letter queue, without a request.
    LONGEST_SECONDS = 1.0

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs
        self._change = asyncio.Event()
        self._waking: asyncio.TimerHandle | None = None
        self._next_visible: float | None = None
        self._stopped = False
        # The module uses nothing else of asyncio, and sleeps only between two looks into a queue.
        sqs.asyncio = types.SimpleNamespace(iscoroutine=asyncio.iscoroutine, sleep=self.wait_for_change)

    async def wait_for_change(self, seconds: float) -> None:
        """Wait for a change of any queue, or until a hidden message is visible again.

        `seconds` is what ministack would have waited. It is less than its usual pause only at the end of a poll. Raises
        ministack's own error at the end of the engine: it answers 503. Any other error is logged with a traceback.
        """
        if self._stopped:
            raise self._end()
        pause = min(self.LONGEST_SECONDS, max(0.0, self._find_next_visible() - time.time()))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._change.wait(), pause if seconds >= _USUAL_PAUSE_SECONDS else seconds)
        if self._stopped:
            raise self._end()

    def _end(self) -> Exception:
        error: Exception = self._sqs._Err("ServiceUnavailable", "the engine stops", 503)
        return error

    def wake(self) -> None:
        """Let all receives look into their queues again, very soon."""
        if self._waking is None:
            self._waking = asyncio.get_running_loop().call_later(self.TOGETHER_SECONDS, self._wake_now)

    def stop(self) -> None:
        """End all waiting receives, so that the engine can stop at once."""
        self._stopped = True
        self._wake_now()

    def _wake_now(self) -> None:
        self._waking = self._next_visible = None
        self._change.set()
        self._change = asyncio.Event()

    def _find_next_visible(self) -> float:
        """Return the next time at which a hidden message of any queue is visible again. Found once per change."""
        now = time.time()
        if self._next_visible is None or self._next_visible <= now:
            hidden = (
                one["visible_at"]
                for _, queue in self._sqs._queues.all_items()
                for one in queue["messages"]
                if one["visible_at"] > now
            )
            self._next_visible = min(hidden, default=math.inf)
        return self._next_visible


class Host:
    """ministack's application, wrapped with durable storage."""

    def __init__(self, state: Path | None, nonce: str) -> None:
        # These packages exist only in the engine's own environment.
        from ministack import app  # type: ignore[import-not-found]
        from ministack.core import persistence  # type: ignore[import-not-found]
        from ministack.services import dynamodb, s3, ses, ses_v2, sqs  # type: ignore[import-not-found]

        self._app, self._persistence, self._dynamodb, self._sqs = app, persistence, dynamodb, sqs
        self._state, self._nonce = state, nonce
        make_queues_fair(sqs)
        self.polls = LongPolls(sqs)
        self._tables_here = os.environ.get("STACK_TABLES") == "1"
        self._journal: Journal | None = None
        self._changed = self._failed = False
        self._objects_lost = 0
        self._process = os.getpid()
        # All saves go through `save`, also the save at ministack's own shutdown.
        app.save_all = lambda _services: self.finish()
        ses._smtp_relay = ses_v2._smtp_relay = _hand_over
        written = s3._atomic_write

        def write_object(*arguments: Any, **options: Any) -> None:
            try:
                written(*arguments, **options)
            except OSError:
                self._objects_lost += 1
                raise

        s3._atomic_write = write_object

    def load(self, *, held: Collection[str] = ()) -> None:
        """Load the data of an earlier process that ministack does not load by itself."""
        if self._state is None:
            return
        self._state.mkdir(parents=True, exist_ok=True)
        for leftover in self._state.glob("*.tmp"):
            leftover.unlink(missing_ok=True)
        if self._tables_here:
            self._load_streams()
            return
        saved = self._persistence.load_state("sqs")
        if saved:
            # Queues from a time without a journal: with an older version, or with the tables here.
            self._sqs.load_persisted_state(saved)
        self._journal = Journal(self._state / "queues.db")
        self._journal.restore(self._sqs, held=held)
        (self._state / "sqs.json").unlink(missing_ok=True)

    def _load_streams(self) -> None:
        saved = self._persistence.load_state("stack_streams")
        if saved:
            self._dynamodb._stream_records.update(saved["records"])
            self._dynamodb._stream_trimmed.update(saved["trimmed"])
            self._dynamodb._stream_seq_counter = saved["counter"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request. The response is sent after the changes are safe."""
        if scope["type"] != "http":
            await self._app.app(scope, receive, send)
            return
        if scope["path"] == _NONCE_PATH:
            await _answer(send, 200, self._nonce.encode())
            return
        if scope["path"] == _SAVE_PATH:
            await _answer(send, 200 if self.save() else 507, b"")
            return
        headers = dict(scope["headers"])
        action = headers.get(b"x-amz-target", b"").decode("latin-1")
        service = headers.get(b"authorization", b"").decode("latin-1").partition("Credential=")[2].split("/")[3:4]
        if service == ["sqs"]:
            await self._run_durably(scope, receive, send, self._write_journal)
            if not _READS.search(action):
                self.polls.wake()
        elif service == ["s3"]:
            before = self._objects_lost
            await self._run_durably(scope, receive, send, lambda: self._check_objects(before))
        elif service == ["ses"]:
            await self._with_mail(scope, receive, send)
        else:
            await self._app.app(scope, receive, send)
        self._changed = self._changed or bool(service and not _READS.search(action))

    async def _run_durably(self, scope: Scope, receive: Receive, send: Send, check: Callable[[], None]) -> None:
        held: list[dict[str, Any]] = []

        async def hold(message: dict[str, Any]) -> None:
            held.append(message)

        await self._app.app(scope, receive, hold)
        try:
            check()
        except (OSError, sqlite3.Error) as error:
            logger.warning("not written: %s", error)
            problem = {"__type": "ServiceUnavailable", "message": "The change could not be written to the disk."}
            await _answer(send, 503, json.dumps(problem).encode())
            return
        for message in held:
            await send(message)

    def _write_journal(self) -> None:
        if self._journal:
            self._journal.write_changes(self._sqs)

    def _check_objects(self, before: int) -> None:
        if self._objects_lost > before:
            raise OSError("an object")

    async def _with_mail(self, scope: Scope, receive: Receive, send: Send) -> None:
        from ministack.services import ses

        endpoint = ses._parse_smtp_host()
        held: list[dict[str, Any]] = []
        handed_over: list[tuple[Any, ...]] = []

        async def hold(message: dict[str, Any]) -> None:
            held.append(message)

        _mail.set(handed_over)
        await self._app.app(scope, receive, hold)
        try:
            for mail in handed_over if endpoint else []:
                await asyncio.to_thread(_relay, *mail, *endpoint)
        except OSError as error:  # smtplib's errors are OSErrors
            logger.warning("mail not handed over: %s", error)
            # No mail was sent, and the sender should retry: SES reports this as throttling.
            text = "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Try it again.</Message>"
            await _answer(send, 400, f"{text}</Error></ErrorResponse>".encode(), "text/xml")
            return
        for message in held:
            await send(message)

    async def keep_saving(self) -> None:
        """Save a few seconds after each change, in a forked process, so that no request waits."""
        pause = _SAVE_EVERY_SECONDS
        while True:
            await asyncio.sleep(pause)
            if not self._changed:
                continue
            self._changed, started = False, time.monotonic()
            child = os.fork()
            if child == 0:
                status = NOT_WRITTEN
                try:
                    # Close the server's files, so that its port is free as soon as the server has ended.
                    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
                    gc.disable()
                    status = 0 if self.save() else NOT_WRITTEN
                finally:
                    os._exit(status)
            while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
                await asyncio.sleep(0.05)
            if ended[1] != 0:
                self._changed = True
            # A large state is saved less often, so that saves use at most a third of a core.
            pause = max(_SAVE_EVERY_SECONDS, 2 * (time.monotonic() - started))

    def finish(self) -> None:
        """Save at the end of the process."""
        self._failed = not self.save()

    def save(self) -> bool:
        """Write all states. Returns False if a state could not be written: its older file stays."""
        if self._state is None:
            return True
        states = dict(self._app._build_persistence_save_dict())
        if self._tables_here:
            states["stack_streams"] = self._streams
        else:
            for name in ("sqs", "dynamodb", "dynamodb_streams"):
                states.pop(name, None)
        # A kill may happen between two files. Streams and queues are written before the tables, so that they are never
        # older than the tables, and no job is missed.
        order = {"stack_streams": 0, "sqs": 1, "dynamodb": 3}
        saved = [self._save_one(name, states[name]) for name in sorted(states, key=lambda one: order.get(one, 2))]
        return all(saved)

    def _streams(self) -> dict[str, Any]:
        return {
            "records": self._dynamodb._stream_records,
            "trimmed": self._dynamodb._stream_trimmed,
            "counter": self._dynamodb._stream_seq_counter,
        }

    def _save_one(self, name: str, get_state: Callable[[], Any]) -> bool:
        path = Path(self._persistence.STATE_DIR) / f"{name}.json"
        fresh = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            state = get_state()
            if state is None:
                return True
            document = {"__ministack_format__": self._persistence._state_format_version(name), "payload": state}
            with fresh.open("w") as file:
                json.dump(document, file, default=self._persistence._json_default)
                file.flush()
                os.fsync(file.fileno())
            if self._process not in (os.getpid(), os.getppid()):
                # This is a fork of a process that has ended. The next process may have saved already.
                fresh.unlink()
                return False
            fresh.replace(path)
        except (OSError, TypeError, ValueError) as error:
            fresh.unlink(missing_ok=True)
            logger.warning("%s could not be saved: %s", name, error)
            return False
        return True

    @property
    def failed(self) -> bool:
        """Whether the save at the end failed."""
        return self._failed


def _hand_over(source: str, recipients: list[str], message: str) -> None:
    _mail.get([]).append((source, recipients, message))


def _relay(source: str, recipients: list[str], message: str, host: str, port: int) -> None:
    import smtplib

    with smtplib.SMTP(host, port, timeout=20) as connection:
        connection.sendmail(source, recipients, message)


async def _answer(send: Send, status: int, body: bytes, kind: str = "application/json") -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _serve(host: Host, port: int, stop: asyncio.Event, save: bool) -> None:
    from hypercorn.asyncio import serve  # type: ignore[import-not-found]
    from hypercorn.config import Config  # type: ignore[import-not-found]

    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    config.graceful_timeout = 2
    config.startup_timeout = config.shutdown_timeout = _FOREVER_SECONDS
    loop = asyncio.get_running_loop()

    def end() -> None:
        host.polls.stop()
        stop.set()

    loop.add_signal_handler(signal.SIGTERM, end)
    # The stack holds the other end of the standard input. If the stack ends in any way, this process ends too.
    threading.Thread(target=_watch, args=(loop, end), daemon=True).start()
    saving = asyncio.create_task(host.keep_saving()) if save else None
    await serve(host, config, shutdown_trigger=stop.wait)
    if saving:
        saving.cancel()


def _watch(loop: asyncio.AbstractEventLoop, end: Callable[[], None]) -> None:
    try:
        while os.read(0, 1024):
            pass
    except OSError:
        pass
    loop.call_soon_threadsafe(end)


def main() -> None:
    """Serve until SIGTERM, or until the stack has ended."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    state = os.environ.get("STATE_DIR")
    host = Host(Path(state) if state else None, os.environ.get("STACK_NONCE", ""))
    host.load(held=os.environ.get("STACK_HELD", "").split())
    asyncio.run(_serve(host, int(os.environ["GATEWAY_PORT"]), asyncio.Event(), bool(state)))
    sys.exit(NOT_WRITTEN if host.failed else 0)


if __name__ == "__main__":
    main()
