"""An organization's amendments to the law's data, in the `core` table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Put
from switchboard.compliance.amendments import Amendment
from switchboard.persistence.optimistic import StaleVersionError


def law_key(place: str) -> Key:
    return {"pk": f"law#{place}", "sk": "rows"}


def get_amendments_of_places(places: Sequence[str]) -> dict[str, list[Amendment]]:
    """Returns the amendments of several places."""
    items = reads.get_items("core", [law_key(place) for place in places])
    return {place: parse_amendments(item) for place, item in zip(places, items, strict=True) if item}


def parse_amendments(item: Item | None) -> list[Amendment]:
    return [Amendment.model_validate(row) for row in item["rows"]] if item else []


def get_amendments(place: str) -> tuple[int, list[Amendment]]:
    """Returns the version of a place's item, 0 without an item, and its amendments."""
    item = reads.get_item("core", law_key(place))
    return (item["version"] if item else 0), parse_amendments(item)


def amendment_writes(place: str, version: int, rows: Sequence[Amendment]) -> list[Put]:
    """Returns the writes that store a place's amendments if they still have that version.

    Raises StaleVersionError at commit.
    """
    item = {**law_key(place), "version": version + 1, "rows": [row.model_dump(mode="json") for row in rows]}
    return [
        Put(
            table="core",
            item=item,
            condition="version = :version" if version else "attribute_not_exists(pk)",
            values={":version": version} if version else {},
            otherwise=StaleVersionError,
        ),
        Put(table="core", item={"pk": "law", "sk": place}),
    ]


def amendment_log_writes(row: Amendment, what: Literal["added", "removed"], who: str, at: str) -> Put:
    """Returns the write that logs an added or removed amendment. Logs stay, because verdicts name amendments."""
    place = {"pk": f"law#{row.place}", "sk": f"log#{at}#{what}#{row.id}"}
    return Put(table="core", item={**place, "what": what, "who": who, "at": at, "row": row.model_dump(mode="json")})


def list_amended_places() -> list[str]:
    """Returns the places that have amendments, or had some."""
    return [item["sk"] for item in Query(table="core", partition="law").all()]
