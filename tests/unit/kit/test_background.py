"""Background work overlaps with reads, is settled before writes, and hides none of its errors."""

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

#: The time that a test waits for a thread that may not start.
PATIENCE = 10


@pytest.fixture(params=["in a thread", "in line"])
def way_to_run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(
        background, "submit", background.run_in_thread if request.param == "in a thread" else background.run_inline
    )
    return str(request.param)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "submit", background.run_in_thread)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The writes that reach the store."""
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


def build_put() -> Put:
    return Put(table="core", item={"pk": "one", "sk": "item"})


def refuse_request() -> None:
    raise RateLimited("Too many.")


@pytest.mark.usefixtures("threads")
def test_started_work_runs_beside_the_block_in_another_thread() -> None:
    begun, reading, seen = threading.Event(), threading.Event(), list[int]()

    def work() -> None:
        begun.set()
        seen.append(threading.get_ident())
        assert reading.wait(PATIENCE), "the block does not continue"

    with background.guard_writes(work):
        background.start_guard()
        # An idle pool may not have started the work yet, and `settle` does not wait for unstarted work.
        assert begun.wait(PATIENCE), "no thread has started"
        reading.set()
        background.wait_for_guard()
        assert seen not in ([], [threading.get_ident()])


@pytest.mark.usefixtures("threads")
def test_work_that_was_not_started_needs_no_thread() -> None:
    seen: list[int] = []
    with background.guard_writes(lambda: seen.append(threading.get_ident())):
        pass
    assert seen == [threading.get_ident()]


@pytest.mark.usefixtures("threads")
def test_settling_does_not_wait_for_work_that_no_thread_has_started(monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadPoolExecutor(1) as busy:
        over = threading.Event()
        busy.submit(over.wait, PATIENCE)
        monkeypatch.setattr(background, "submit", busy.submit)
        seen: list[int] = []
        with background.guard_writes(lambda: seen.append(threading.get_ident())):
            background.start_guard()
        over.set()
    assert seen == [threading.get_ident()]


def test_work_runs_once_even_if_started_and_settled_often(way_to_run: str) -> None:
    done: list[str] = []
    with background.guard_writes(lambda: done.append("once")):
        for _ in range(3):
            background.start_guard()
            background.wait_for_guard()
    background.wait_for_guard()
    assert done == ["once"]


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize("change", [lambda: writes.write_item(build_put()), lambda: writes.commit(build_put())])
def test_a_refused_block_writes_nothing_even_if_it_ignores_the_refusal(
    way_to_run: str, written: list[str], change: Callable[[], object], begun: bool
) -> None:
    def write_stubbornly() -> None:
        with background.guard_writes(refuse_request):
            if begun:
                background.start_guard()
            for _ in range(3):
                with pytest.raises(RateLimited):
                    change()

    with pytest.raises(RateLimited):
        write_stubbornly()
    assert written == []
    change()
    assert len(written) == 1


@pytest.mark.parametrize("begun", [True, False])
def test_a_refusal_replaces_the_result_or_the_error_of_the_block(way_to_run: str, begun: bool) -> None:
    def run_block(error: Exception | None) -> str:
        with background.guard_writes(refuse_request):
            if begun:
                background.start_guard()
            if error:
                raise error
            return "an answer"

    for error in (None, NotFound("There is no such thing."), RuntimeError("a fault")):
        with pytest.raises(RateLimited) as refused:
            run_block(error)
        assert refused.value.__context__ is error


def test_the_error_of_the_block_stays_if_nothing_is_refused(way_to_run: str) -> None:
    def run_block() -> None:
        with background.guard_writes(lambda: None):
            background.start_guard()
            raise NotFound("There is no such thing.")

    with pytest.raises(NotFound):
        run_block()


def test_a_process_killed_in_the_background_dies_where_the_work_is_settled(way_to_run: str, written: list[str]) -> None:
    def die() -> None:
        raise Killed

    def run_block() -> None:
        with background.guard_writes(die):
            background.start_guard()
            writes.write_item(build_put())

    with pytest.raises(Killed):
        run_block()
    assert written == []


def test_a_process_killed_in_the_block_does_no_further_work() -> None:
    done: list[str] = []

    def run_block() -> None:
        with background.guard_writes(lambda: done.append("counted")):
            raise Killed

    with pytest.raises(Killed):
        run_block()
    background.wait_for_guard()
    assert done == []


def test_writes_of_the_background_work_itself_do_not_wait(way_to_run: str, written: list[str]) -> None:
    with background.guard_writes(lambda: writes.write_item(build_put())):
        background.start_guard()
        writes.commit(build_put())
    assert written == ["put", "transaction"]


@pytest.mark.usefixtures("threads")
def test_another_thread_does_not_wait(written: list[str]) -> None:
    may_end = threading.Event()
    with background.guard_writes(lambda: may_end.wait(PATIENCE)), ThreadPoolExecutor(1) as other:
        background.start_guard()
        other.submit(writes.write_item, build_put()).result(PATIENCE)
        assert written == ["put"]
        may_end.set()


def test_an_inner_guard_starts_when_the_outer_guard_is_settled(way_to_run: str) -> None:
    done: list[str] = []
    with background.guard_writes(lambda: done.append("outer")):
        with background.guard_writes(lambda: done.append("inner")):
            assert done == ["outer"]
        background.wait_for_guard()
    assert done == ["outer", "inner"]


def test_a_task_returns_its_result_or_raises_on_every_call(way_to_run: str) -> None:
    made: list[int] = []

    def make_result() -> int:
        made.append(len(made))
        return 7

    for begun in (True, False):
        task, failing = BackgroundTask(make_result), BackgroundTask(refuse_request)
        if begun:
            task.start()
            failing.start()
        assert [task.result(), task.result()] == [7, 7]
        for _ in range(2):
            with pytest.raises(RateLimited):
                failing.result()
    assert len(made) == 2


def test_a_known_result_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(background, "submit")
    task = BackgroundTask.with_result(7)
    task.start()
    assert task.result() == 7
