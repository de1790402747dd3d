"""A searchable noun of the tests: things on a shelf, with a title and remarks."""

from __future__ import annotations

from collections.abc import Sequence

from switchboard.aws import reads
from switchboard.aws.dynamodb import Key
from switchboard.aws.writes import Put, commit
from switchboard.kit import ids
from switchboard.search import index, tail
from switchboard.search.index import IndexEntry, SearchNoun, SearchSubject
from switchboard.search.tail import CurrentTail

THING = SearchNoun("core", "thing")
ORG = "org_1"


def thing_key(org_id: str, thing_id: str) -> Key:
    return {"pk": f"{org_id}#things", "sk": thing_id}


def put_thing(thing_id: str, title: str, remarks: str = "") -> None:
    """Write a thing, and the head of its entries."""
    before = reads.get_item("core", thing_key(ORG, thing_id))
    item = {
        **thing_key(ORG, thing_id),
        "title": title.split(),
        "remarks": remarks.split(),
        "revision": ids.new_id("rev"),
    }
    gone = before["title"] if before else []
    commit(Put(table="core", item=item), index.head_writes(THING, ORG, thing_id, gone, item["title"]))


class Things:
    """The plug of the things for `search.tail`."""

    noun = THING

    def subject_key(self, org_id: str, subject_id: str) -> Key:
        return thing_key(org_id, subject_id)

    def get_current_tails(self, org_id: str, subject_ids: Sequence[str]) -> list[CurrentTail | None]:
        items = reads.get_items("core", [thing_key(org_id, one) for one in subject_ids])
        return [CurrentTail(item["revision"], set(item["remarks"])) if item else None for item in items]


def catch_up(*thing_ids: str) -> None:
    tail.update_tails(Things(), ORG, thing_ids)


def search_things(words: Sequence[str], limit: int = 50, after: str | None = None) -> tuple[list[str], str | None]:
    """The ids of a page of things, and the cursor of the next."""

    def load(entries: list[IndexEntry]) -> list[SearchSubject[str] | None]:
        items = reads.get_items("core", [thing_key(ORG, entry.subject_id) for entry in entries])
        return [SearchSubject(item["sk"], item["title"], item["remarks"]) if item else None for item in items]

    return index.search_subjects(THING, ORG, words, limit, after, load)
