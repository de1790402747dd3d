"""A noun's tail: what plugs in with a few lines is found by what it has now, and by nothing it had."""

from __future__ import annotations

import pytest

from switchboard.aws import retries, writes
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete, commit
from switchboard.errors import Contended
from switchboard.search import tail
from tests.integration.sabotage import Sabotage
from tests.unit.search import shelf

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def kept() -> list[str]:
    return [item["sk"] for item in Query(table="core", partition=f"{shelf.ORG}#tail#thing").all()]


def test_a_thing_is_found_by_its_remarks_once_they_are_indexed() -> None:
    shelf.put("a", "lamp", "green old")
    assert shelf.search(["green"]) == ([], None)
    shelf.catch_up("a")
    assert [shelf.search([word])[0] for word in ("green", "ol", "lamp")] == [["a"]] * 3
    shelf.put("a", "lamp", "red")
    shelf.catch_up("a")
    assert [shelf.search([word])[0] for word in ("green", "red")] == [[], ["a"]]
    assert kept() == ["a"]


def test_nothing_is_left_of_a_thing_that_was_deleted() -> None:
    shelf.put("a", "lamp", "green old")
    shelf.catch_up("a")
    writes.write_item(Delete(table="core", key=shelf.key(shelf.ORG, "a")))
    shelf.catch_up("a")
    assert (shelf.search(["green"]), kept()) == (([], None), [])
    assert list(Query(table="core", partition=f"{shelf.ORG}#find#thing#g").all()) == []


def test_more_subjects_than_one_read_takes_are_brought_up_to_date() -> None:
    for number in range(120):
        shelf.put(f"thing{number:03}", "lamp", f"r{number:03}")
    shelf.catch_up(*(f"thing{number:03}" for number in range(120)))
    assert shelf.search(["r119"]) == (["thing119"], None)
    assert len(kept()) == 120


def test_what_is_up_to_date_is_read_and_not_written() -> None:
    shelf.put("a", "lamp", "green")
    shelf.catch_up("a")
    with Sabotage().counting() as calls:
        shelf.catch_up("a", "nothing")
    assert calls == ["BatchGetItem", "BatchGetItem"]


def test_a_bulk_load_writes_what_a_job_would_find_done() -> None:
    shelf.put("a", "lamp", "green old")
    shelf.put("b", "lamp")
    commit(tail.new_tail_writes(shelf.THING, shelf.ORG, "a", {"green", "old"}))
    assert tail.new_tail_writes(shelf.THING, shelf.ORG, "b", set()) == []
    with Sabotage().counting() as calls:
        shelf.catch_up("a", "b")
    assert calls == ["BatchGetItem", "BatchGetItem"]
    assert shelf.search(["old"]) == (["a"], None)


def test_others_that_keep_indexing_the_subject_bring_the_job_back_after_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(retries, "sleep", pauses.append)
    shelf.put("a", "lamp", "green")
    real = tail._state_write

    def overtaken(*arguments: object) -> object:
        monkeypatch.setattr(tail, "_state_write", real)
        shelf.put("a", "lamp", f"green{len(pauses)}")
        shelf.catch_up("a")
        shelf.put("a", "lamp", "green")  # so that it is the state, not the thing, that has moved
        monkeypatch.setattr(tail, "_state_write", overtaken)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(tail, "_state_write", overtaken)
    monkeypatch.setattr(tail, "_revision_check", lambda *_: None)
    with pytest.raises(Contended):
        tail.update_tails(shelf.Things(), shelf.ORG, ["a"])
    assert len(pauses) > 3
