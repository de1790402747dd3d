"""The journal of the engine's queues: its records survive the end of the process."""

from __future__ import annotations

import itertools
import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.local.engine_host import Journal

ACCOUNT, REGION = "000000000000", "us-east-1"


class Store(dict[tuple[str, str, str], dict[str, Any]]):
    """The engine's own dictionary, with the parts that the journal uses."""

    def all_items(self) -> Iterator[tuple[tuple[str, str, str], dict[str, Any]]]:
        return iter(list(self.items()))

    def set_scoped(self, account: str, region: str, key: str, queue: dict[str, Any]) -> None:
        self[account, region, key] = queue


class Sqs:
    """The engine's module of queues, with the parts that the host uses."""

    class _Err(Exception):
        """An error with a code, a message and a status, which the engine answers."""

    def __init__(self) -> None:
        self._queues = Store()
        self._numbers = itertools.count(1)

    @staticmethod
    def _queue_url_for_account(account: str, name: str) -> str:
        return f"http://localhost:4566/{account}/{name}"

    def _rebuild_queue_name_index(self) -> None:
        pass

    def queue(self, name: str) -> dict[str, Any]:
        url = self._queue_url_for_account(ACCOUNT, name)
        made = {"name": name, "url": url, "is_fifo": False, "attributes": {"VisibilityTimeout": "30"}, "tags": {}}
        made |= {"messages": [], "dedup_cache": {}, "fifo_seq": 0}
        return self._queues.setdefault((ACCOUNT, REGION, url), made)

    def send(self, name: str, body: str) -> dict[str, Any]:
        message = {"id": f"m{next(self._numbers)}", "body": body, "visible_at": time.time(), "receive_count": 0}
        message["receipt_handle"] = None
        self.queue(name)["messages"].append(message)
        return message


def receive(message: dict[str, Any], handle: str) -> None:
    message |= {"visible_at": time.time() + 30, "receive_count": message["receive_count"] + 1, "receipt_handle": handle}


def after_a_kill(path: Path, *, held: Sequence[str] = ()) -> Sqs:
    sqs = Sqs()
    Journal(path).restore(sqs, held=held)
    return sqs


def list_bodies(sqs: Sqs, name: str) -> list[str]:
    return [message["body"] for message in sqs.queue(name)["messages"]]


def test_messages_are_restored_in_order_without_deleted_ones(tmp_path: Path) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    for body in ("one", "two", "three"):
        sqs.send("email", body)
        journal.write_changes(sqs)
    del sqs.queue("email")["messages"][1]
    journal.write_changes(sqs)
    sqs.send("email", "not answered yet")

    again = after_a_kill(tmp_path / "queues.db")

    assert list_bodies(again, "email") == ["one", "three"]
    assert again.queue("email")["attributes"] == {"VisibilityTimeout": "30"}


def test_a_dead_letter_is_restored_in_its_queue_only(tmp_path: Path) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    message = sqs.send("email", "hopeless")
    sqs.queue("email-dlq")
    journal.write_changes(sqs)
    sqs.queue("email")["messages"].remove(message)
    sqs.queue("email-dlq")["messages"].append(message)
    journal.write_changes(sqs)

    again = after_a_kill(tmp_path / "queues.db")
    assert (list_bodies(again, "email"), list_bodies(again, "email-dlq")) == ([], ["hopeless"])


def test_received_messages_are_released_after_a_restart_and_delayed_ones_are_not(tmp_path: Path) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    held, put_off = sqs.send("email", "held"), sqs.send("email", "put off")
    journal.write_changes(sqs)
    for message in (held, put_off):
        receive(message, "handle")
    journal.write_changes(sqs)
    put_off["visible_at"] = later = time.time() + 600
    journal.write_changes(sqs)

    first, second = after_a_kill(tmp_path / "queues.db").queue("email")["messages"]
    assert first["visible_at"] <= time.time()
    assert first["receive_count"] == 0, "the receive did not end"
    assert (second["visible_at"], second["receive_count"]) == (later, 1)


@pytest.mark.parametrize("known", [False, True], ids=["sent just now", "sent before"])
def test_a_receive_recorded_by_another_request_counts(tmp_path: Path, known: bool) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    held = sqs.send("email", "held")
    if known:
        journal.write_changes(sqs)
    # The engine gives the message to a waiting worker, and another request, such as its sending, is recorded first.
    receive(held, "handle")
    sqs.send("email", "another")
    journal.write_changes(sqs)
    journal.write_changes(sqs)

    first, _ = after_a_kill(tmp_path / "queues.db").queue("email")["messages"]
    assert first["visible_at"] <= time.time()


def test_received_messages_are_released_after_two_restarts(tmp_path: Path) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    held, put_off = sqs.send("email", "held"), sqs.send("email", "put off")
    receive(held, "one")
    receive(put_off, "two")
    journal.write_changes(sqs)
    put_off["visible_at"] = later = time.time() + 600
    journal.write_changes(sqs)
    after_a_kill(tmp_path / "queues.db", held=["one", "two"])

    first, second = after_a_kill(tmp_path / "queues.db").queue("email")["messages"]
    assert first["visible_at"] <= time.time()
    assert second["visible_at"] == later


def test_a_worker_that_outlives_the_engine_can_delete_its_messages(tmp_path: Path) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    held, unsent = sqs.send("email", "held"), sqs.send("email", "in a response that never arrived")
    journal.write_changes(sqs)
    receive(held, "handle-7")
    receive(unsent, "handle-8")
    journal.write_changes(sqs)

    first, second = after_a_kill(tmp_path / "queues.db", held=["handle-7"]).queue("email")["messages"]
    assert first["receipt_handle"] == "handle-7"
    assert first["visible_at"] > time.time()
    assert second["visible_at"] <= time.time(), "no worker has it"


def test_a_full_disk_is_an_error_and_the_record_is_written_later(tmp_path: Path) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    sqs.send("email", "small")
    journal.write_changes(sqs)
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    sqs.send("email", "x" * 100_000)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        journal.write_changes(sqs)
    assert list_bodies(after_a_kill(tmp_path / "queues.db"), "email") == ["small"]

    journal._db.execute("PRAGMA max_page_count = 100000")
    journal.write_changes(sqs)
    assert len(list_bodies(after_a_kill(tmp_path / "queues.db"), "email")) == 2


def test_a_record_without_a_change_writes_nothing(tmp_path: Path) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    sqs.send("email", "one")
    journal.write_changes(sqs)
    before = journal._db.total_changes
    journal.write_changes(sqs)
    assert journal._db.total_changes == before
    assert json.loads(journal._db.execute("SELECT body FROM messages").fetchone()[0])["body"] == "one"
