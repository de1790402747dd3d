"""The journal of the engine's queues: what it noted is there after the process is gone."""

from __future__ import annotations

import itertools
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.engine_host import Journal

ACCOUNT, REGION = "000000000000", "us-east-1"


class Store(dict[tuple[str, str, str], dict[str, Any]]):
    """The engine's own dictionary, as far as the journal uses it."""

    def all_items(self) -> Iterator[tuple[tuple[str, str, str], dict[str, Any]]]:
        return iter(list(self.items()))

    def set_scoped(self, account: str, region: str, key: str, queue: dict[str, Any]) -> None:
        self[account, region, key] = queue


class Sqs:
    """The engine's module of queues, as far as the journal uses it."""

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


def take(message: dict[str, Any], handle: str) -> None:
    message |= {"visible_at": time.time() + 30, "receive_count": message["receive_count"] + 1, "receipt_handle": handle}


def after_a_kill(path: Path, *, release: bool = True) -> Sqs:
    sqs = Sqs()
    Journal(path).restore(sqs, release=release)
    return sqs


def bodies(sqs: Sqs, name: str) -> list[str]:
    return [message["body"] for message in sqs.queue(name)["messages"]]


def test_messages_are_there_again_in_their_order_and_deleted_ones_are_not(tmp_path: Path) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    for body in ("one", "two", "three"):
        sqs.send("email", body)
        journal.note(sqs)
    del sqs.queue("email")["messages"][1]
    journal.note(sqs)
    sqs.send("email", "not answered yet")

    again = after_a_kill(tmp_path / "queues.db")

    assert bodies(again, "email") == ["one", "three"]
    assert again.queue("email")["attributes"] == {"VisibilityTimeout": "30"}


def test_a_message_that_moved_to_the_dead_letter_queue_is_there_and_nowhere_else(tmp_path: Path) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    message = sqs.send("email", "hopeless")
    sqs.queue("email-dlq")
    journal.note(sqs)
    sqs.queue("email")["messages"].remove(message)
    sqs.queue("email-dlq")["messages"].append(message)
    journal.note(sqs)

    again = after_a_kill(tmp_path / "queues.db")
    assert (bodies(again, "email"), bodies(again, "email-dlq")) == ([], ["hopeless"])


def test_what_a_worker_held_when_all_ended_is_free_and_what_it_put_off_is_not(tmp_path: Path) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    held, put_off = sqs.send("email", "held"), sqs.send("email", "put off")
    journal.note(sqs)
    for message in (held, put_off):
        take(message, "handle")
    journal.note(sqs)
    put_off["visible_at"] = later = time.time() + 600
    journal.note(sqs)

    first, second = after_a_kill(tmp_path / "queues.db").queue("email")["messages"]
    assert first["visible_at"] <= time.time()
    assert first["receive_count"] == 0, "the receive came to no end"
    assert (second["visible_at"], second["receive_count"]) == (later, 1)


@pytest.mark.parametrize("known", [False, True], ids=["sent just now", "sent before"])
def test_a_lease_that_another_request_notes_is_a_lease(tmp_path: Path, known: bool) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    held = sqs.send("email", "held")
    if known:
        journal.note(sqs)
    # The engine hands it to a worker that waits, and the note of another request, such as its sending, comes first.
    take(held, "handle")
    sqs.send("email", "another")
    journal.note(sqs)
    journal.note(sqs)

    first, _ = after_a_kill(tmp_path / "queues.db").queue("email")["messages"]
    assert first["visible_at"] <= time.time()


def test_what_a_worker_held_is_free_also_when_the_engine_was_killed_before(tmp_path: Path) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    held, put_off = sqs.send("email", "held"), sqs.send("email", "put off")
    take(held, "one")
    take(put_off, "two")
    journal.note(sqs)
    put_off["visible_at"] = later = time.time() + 600
    journal.note(sqs)
    after_a_kill(tmp_path / "queues.db", release=False)

    first, second = after_a_kill(tmp_path / "queues.db").queue("email")["messages"]
    assert first["visible_at"] <= time.time()
    assert second["visible_at"] == later


def test_a_worker_that_outlives_the_engine_deletes_what_it_holds(tmp_path: Path) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    held = sqs.send("email", "held")
    journal.note(sqs)
    take(held, "handle-7")
    journal.note(sqs)

    (message,) = after_a_kill(tmp_path / "queues.db", release=False).queue("email")["messages"]
    assert message["receipt_handle"] == "handle-7"
    assert message["visible_at"] > time.time()


def test_what_a_full_disk_refuses_is_an_error_and_written_when_there_is_room(tmp_path: Path) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    sqs.send("email", "small")
    journal.note(sqs)
    pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
    journal._db.execute(f"PRAGMA max_page_count = {pages}")
    sqs.send("email", "x" * 100_000)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        journal.note(sqs)
    assert bodies(after_a_kill(tmp_path / "queues.db"), "email") == ["small"]

    journal._db.execute("PRAGMA max_page_count = 100000")
    journal.note(sqs)
    assert len(bodies(after_a_kill(tmp_path / "queues.db"), "email")) == 2


def test_a_note_without_a_change_writes_nothing(tmp_path: Path) -> None:
    sqs, journal = Sqs(), Journal(tmp_path / "queues.db")
    sqs.send("email", "one")
    journal.note(sqs)
    before = journal._db.total_changes
    journal.note(sqs)
    assert journal._db.total_changes == before
    assert json.loads(journal._db.execute("SELECT body FROM messages").fetchone()[0])["body"] == "one"
