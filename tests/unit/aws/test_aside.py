"""Work aside: it overlaps with what is read, is settled before what is written, and hides nothing that befell it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from switchboard.aws import clients, writes
from switchboard.aws.writes import Put
from switchboard.errors import NotFound, RateLimited
from switchboard.kit import background, settings
from switchboard.kit.background import BackgroundTask
from tests.integration.sabotage import Killed

#: As long as a test waits for a thread that may not come.
PATIENCE = 10


@pytest.fixture(params=["in a thread", "in line"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(
        background, "submit", background.run_in_thread if request.param == "in a thread" else background.run_inline
    )
    return str(request.param)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "submit", background.run_in_thread)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What reaches the store."""
    monkeypatch.setenv("SWITCHBOARD_TABLE_CORE", "core")
    made: list[str] = []

    class Store:
        def put_item(self, **request: object) -> dict[str, object]:
            made.append("put")
            return {}

        def transact_write_items(self, **request: object) -> None:
            made.append("transaction")

    monkeypatch.setattr(clients, "dynamodb_client", Store)
    yield made
    settings.clear_cache()


def put() -> Put:
    return Put(table="core", item={"pk": "one", "sk": "item"})


def refuse() -> None:
    raise RateLimited("Too many.")


# --- a guard --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("threads")
def test_what_was_begun_goes_on_beside_the_block_in_another_thread() -> None:
    begun, reading, seen = threading.Event(), threading.Event(), list[int]()

    def work() -> None:
        begun.set()
        seen.append(threading.get_ident())
        assert reading.wait(PATIENCE), "the block does not go on"

    with background.guard_writes(work):
        background.start_guard()
        # An idle pool may not have come to it yet, and `settle` does not wait for what no thread has begun.
        assert begun.wait(PATIENCE), "no thread has begun"
        reading.set()
        background.wait_for_guard()
        assert seen not in ([], [threading.get_ident()])


@pytest.mark.usefixtures("threads")
def test_what_was_not_begun_needs_no_thread() -> None:
    seen: list[int] = []
    with background.guard_writes(lambda: seen.append(threading.get_ident())):
        pass
    assert seen == [threading.get_ident()]


@pytest.mark.usefixtures("threads")
def test_what_no_thread_has_come_to_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadPoolExecutor(1) as busy:
        over = threading.Event()
        busy.submit(over.wait, PATIENCE)
        monkeypatch.setattr(background, "submit", busy.submit)
        seen: list[int] = []
        with background.guard_writes(lambda: seen.append(threading.get_ident())):
            background.start_guard()
        over.set()
    assert seen == [threading.get_ident()]


def test_it_is_done_once_however_often_it_is_begun_and_settled(way: str) -> None:
    done: list[str] = []
    with background.guard_writes(lambda: done.append("once")):
        for _ in range(3):
            background.start_guard()
            background.wait_for_guard()
    background.wait_for_guard()
    assert done == ["once"]


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("change", [lambda: writes.write_item(put()), lambda: writes.commit(put())])
def test_nothing_is_written_that_the_guard_refuses_whoever_takes_no_for_an_answer(
    way: str, written: list[str], change: Callable[[], object], begun: bool
) -> None:
    def stubborn() -> None:
        with background.guard_writes(refuse):
            if begun:
                background.start_guard()
            for _ in range(3):
                with pytest.raises(RateLimited):
                    change()

    with pytest.raises(RateLimited):
        stubborn()
    assert written == []
    change()
    assert len(written) == 1


@pytest.mark.parametrize("begun", [True, False])
def test_a_refusal_takes_the_place_of_what_the_block_gives_or_raises(way: str, begun: bool) -> None:
    def block(error: Exception | None) -> str:
        with background.guard_writes(refuse):
            if begun:
                background.start_guard()
            if error:
                raise error
            return "an answer"

    for error in (None, NotFound("There is no such thing."), RuntimeError("a fault")):
        with pytest.raises(RateLimited) as refused:
            block(error)
        assert refused.value.__context__ is error


def test_the_block_s_own_error_stands_where_nothing_is_refused(way: str) -> None:
    def block() -> None:
        with background.guard_writes(lambda: None):
            background.start_guard()
            raise NotFound("There is no such thing.")

    with pytest.raises(NotFound):
        block()


def test_a_process_that_dies_aside_dies_where_it_is_settled(way: str, written: list[str]) -> None:
    def die() -> None:
        raise Killed

    def block() -> None:
        with background.guard_writes(die):
            background.start_guard()
            writes.write_item(put())

    with pytest.raises(Killed):
        block()
    assert written == []


def test_a_process_that_dies_in_the_block_does_nothing_more() -> None:
    done: list[str] = []

    def block() -> None:
        with background.guard_writes(lambda: done.append("counted")):
            raise Killed

    with pytest.raises(Killed):
        block()
    background.wait_for_guard()
    assert done == []


def test_what_the_work_writes_itself_waits_for_nothing(way: str, written: list[str]) -> None:
    with background.guard_writes(lambda: writes.write_item(put())):
        background.start_guard()
        writes.commit(put())
    assert written == ["put", "transaction"]


@pytest.mark.usefixtures("threads")
def test_another_thread_is_not_held_up(written: list[str]) -> None:
    may_end = threading.Event()
    with background.guard_writes(lambda: may_end.wait(PATIENCE)), ThreadPoolExecutor(1) as other:
        background.start_guard()
        other.submit(writes.write_item, put()).result(PATIENCE)
        assert written == ["put"]
        may_end.set()


def test_a_guard_within_a_guard_begins_when_the_outer_one_is_settled(way: str) -> None:
    done: list[str] = []
    with background.guard_writes(lambda: done.append("outer")):
        with background.guard_writes(lambda: done.append("inner")):
            assert done == ["outer"]
        background.wait_for_guard()
    assert done == ["outer", "inner"]


# --- a task ---------------------------------------------------------------------------------------------------------


def test_a_task_gives_its_result_or_raises_as_often_as_it_is_asked(way: str) -> None:
    made: list[int] = []

    def make() -> int:
        made.append(len(made))
        return 7

    for begun in (True, False):
        task, failing = BackgroundTask(make), BackgroundTask(refuse)
        if begun:
            task.begin()
            failing.begin()
        assert [task.result(), task.result()] == [7, 7]
        for _ in range(2):
            with pytest.raises(RateLimited):
                failing.result()
    assert len(made) == 2


def test_what_is_known_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(background, "submit")
    task = BackgroundTask.known(7)
    task.begin()
    assert task.result() == 7
