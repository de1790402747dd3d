"""A noun's tail: a search finds the current words of a subject, and none of its old ones."""

from __future__ import annotations

import pytest

from switchboard.aws import dynamodb, writes
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete, commit
from switchboard.errors import Contended
from switchboard.search import tail
from tests.integration.sabotage import Sabotage
from tests.unit.search import shelf

pytestmark = pytest.mark.usefixtures("cloud", "frozen")


def list_kept_tokens() -> list[str]:
    return [item["sk"] for item in Query(table="core", partition=f"{shelf.ORG}#tail#thing").read_all()]


def test_a_thing_is_found_by_its_remarks_once_they_are_indexed() -> None:
    shelf.put_thing("a", "lamp", "green old")
    assert shelf.search_things(["green"]) == ([], None)
    shelf.catch_up("a")
    assert [shelf.search_things([word])[0] for word in ("green", "ol", "lamp")] == [["a"]] * 3
    shelf.put_thing("a", "lamp", "red")
    shelf.catch_up("a")
    assert [shelf.search_things([word])[0] for word in ("green", "red")] == [[], ["a"]]
    assert list_kept_tokens() == ["a"]


def test_a_deleted_thing_leaves_no_entries() -> None:
    shelf.put_thing("a", "lamp", "green old")
    shelf.catch_up("a")
    writes.write_item(Delete(table="core", key=shelf.thing_key(shelf.ORG, "a")))
    shelf.catch_up("a")
    assert (shelf.search_things(["green"]), list_kept_tokens()) == (([], None), [])
    assert list(Query(table="core", partition=f"{shelf.ORG}#find#thing#g").read_all()) == []


def test_subjects_beyond_one_read_are_updated() -> None:
    for number in range(120):
        shelf.put_thing(f"thing{number:03}", "lamp", f"r{number:03}")
    shelf.catch_up(*(f"thing{number:03}" for number in range(120)))
    assert shelf.search_things(["r119"]) == (["thing119"], None)
    assert len(list_kept_tokens()) == 120


def test_an_up_to_date_subject_is_not_written() -> None:
    shelf.put_thing("a", "lamp", "green")
    shelf.catch_up("a")
    with Sabotage().counting() as calls:
        shelf.catch_up("a", "nothing")
    assert calls == ["BatchGetItem", "BatchGetItem"]


def test_a_bulk_load_writes_what_a_job_would_find_done() -> None:
    shelf.put_thing("a", "lamp", "green old")
    shelf.put_thing("b", "lamp")
    commit(tail.new_tail_writes(shelf.THING, shelf.ORG, "a", {"green", "old"}))
    assert tail.new_tail_writes(shelf.THING, shelf.ORG, "b", set()) == []
    with Sabotage().counting() as calls:
        shelf.catch_up("a", "b")
    assert calls == ["BatchGetItem", "BatchGetItem"]
    assert shelf.search_things(["old"]) == (["a"], None)


def test_concurrent_indexing_of_the_subject_retries_the_job_after_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(dynamodb, "sleep", pauses.append)
    shelf.put_thing("a", "lamp", "green")
    real = tail._state_write

    def overtaken(*arguments: object) -> object:
        monkeypatch.setattr(tail, "_state_write", real)
        shelf.put_thing("a", "lamp", f"green{len(pauses)}")
        shelf.catch_up("a")
        shelf.put_thing("a", "lamp", "green")  # so that the state has changed, and not the thing
        monkeypatch.setattr(tail, "_state_write", overtaken)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(tail, "_state_write", overtaken)
    monkeypatch.setattr(tail, "_revision_check", lambda *_: None)
    with pytest.raises(Contended):
        tail.update_tails(shelf.Things(), shelf.ORG, ["a"])
    assert len(pauses) > 3
