"""Changes and lists of the gate's ledgers, in the `core` table (`switchboard.compliance.store` has the keys)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import ConditionCheck, Delete, Put, Update
from switchboard.compliance.models import ConsentRecord, OptIn, OptOut, OptOutSource, PassedOptOut
from switchboard.compliance.store import Ledger, Refusal, ledger_key
from switchboard.kit import texts
from switchboard.persistence.listing import read_query_page
from switchboard.persistence.optimistic import StaleVersionError

T = TypeVar("T")


def add_entry_writes(org_id: str, ledger: Ledger, e164: str, entry: BaseModel, otherwise: Refusal) -> Put:
    """Returns the write that adds a number to a ledger. It fails if the number is already there."""
    return Put(
        table="core",
        item={**ledger_key(org_id, ledger, e164), **entry.model_dump(mode="json")},
        unless_exists=True,
        otherwise=otherwise,
    )


def replace_consent_writes(org_id: str, record: ConsentRecord, otherwise: Refusal) -> Put:
    """Returns the write that replaces a consent. It fails if nothing would change."""
    return Put(
        table="core",
        item={**ledger_key(org_id, "consent", record.e164), **record.model_dump(mode="json")},
        condition="attribute_not_exists(pk) OR #source <> :source OR #date <> :date",
        names={"#source": "source", "#date": "date"},
        values={":source": record.source.value, ":date": record.date},
        otherwise=otherwise,
    )


def renew_consent_write(org_id: str, record: ConsentRecord, day: str, at: str) -> Update:
    """Returns the write of a consent's later day. Raises StaleVersionError at commit if the consent has changed."""
    return Update(
        table="core",
        key=ledger_key(org_id, "consent", record.e164),
        expression="SET #date = :day, #at = :at",
        condition="#source = :source AND #date = :before",
        names={"#source": "source", "#date": "date", "#at": "at"},
        values={":source": record.source.value, ":before": record.date, ":day": day, ":at": at},
        otherwise=StaleVersionError,
    )


def remove_entry_writes(org_id: str, ledger: Ledger, e164: str, otherwise: Refusal) -> Delete:
    """Returns the write that removes a number from a ledger. It fails if the number is not there."""
    return Delete(
        table="core",
        key=ledger_key(org_id, ledger, e164),
        condition="attribute_exists(pk)",
        otherwise=otherwise,
    )


#: The ledger still has the opt-out that was read. Entries from before `latest_at` have no such attribute.
_SAME_OPT_OUT = "created_at = :created AND (attribute_not_exists(latest_at) OR latest_at = :latest)"


def _opt_out_values(entry: OptOut) -> dict[str, str]:
    return {":created": entry.created_at, ":latest": entry.latest_at}


def same_opt_out_check(org_id: str, entry: OptOut) -> ConditionCheck:
    """Returns the check that the ledger still has an opt-out. Raises StaleVersionError at commit."""
    return ConditionCheck(
        table="core",
        key=ledger_key(org_id, "opt-outs", entry.e164),
        condition=_SAME_OPT_OUT,
        values=_opt_out_values(entry),
        otherwise=StaleVersionError,
    )


def no_other_opt_out_check(org_id: str, e164: str, passed: PassedOptOut, otherwise: Refusal) -> ConditionCheck:
    """Returns the check that the ledger has no other opt-out of a number than the passed one."""
    asked_at = passed.asked_at
    same = "created_at = :created" if asked_at is None else _SAME_OPT_OUT
    return ConditionCheck(
        table="core",
        key=ledger_key(org_id, "opt-outs", e164),
        condition=f"attribute_not_exists(pk) OR ({same})",
        values={":created": passed.created_at, **({} if asked_at is None else {":latest": asked_at})},
        otherwise=otherwise,
    )


def renew_opt_out_write(org_id: str, entry: OptOut, at: str, also_by: OptOutSource | None) -> Update:
    """Returns the write of a later request to opt out. Raises StaleVersionError at commit if the entry has changed."""
    more = {":also": also_by} if also_by else {}
    return Update(
        table="core",
        key=ledger_key(org_id, "opt-outs", entry.e164),
        expression="SET latest_at = :at" + (", also_by = :also" if also_by else ""),
        condition=_SAME_OPT_OUT,
        values={**_opt_out_values(entry), ":at": at, **more},
        otherwise=StaleVersionError,
    )


def end_opt_out_write(org_id: str, entry: OptOut) -> Delete:
    """Returns the write that removes an opt-out. Raises StaleVersionError at commit if the entry has changed."""
    return Delete(
        table="core",
        key=ledger_key(org_id, "opt-outs", entry.e164),
        condition=_SAME_OPT_OUT,
        values=_opt_out_values(entry),
        otherwise=StaleVersionError,
    )


def opt_in_write(org_id: str, opt_in: OptIn) -> Put:
    """Returns the write of the time at which an opt-out ended."""
    return Put(table="core", item={**ledger_key(org_id, "opt-ins", opt_in.e164), **opt_in.model_dump(mode="json")})


def same_opt_in_check(org_id: str, e164: str, known: OptIn | None) -> ConditionCheck:
    """Returns the check that no opt-out of a number has ended since `known` was read. Raises StaleVersionError."""
    return ConditionCheck(
        table="core",
        key=ledger_key(org_id, "opt-ins", e164),
        condition="opted_in_at = :known" if known else "attribute_not_exists(pk)",
        values={":known": known.opted_in_at} if known else {},
        otherwise=StaleVersionError,
    )


def _id_key(org_id: str, block_id: str) -> Key:
    return {"pk": f"{org_id}#dnc-ids", "sk": block_id}


def block_pointer_writes(org_id: str, block_id: str, e164: str) -> Put:
    """Returns the write of a pointer from a block's id to its number."""
    return Put(table="core", item={**_id_key(org_id, block_id), "e164": e164})


def delete_block_pointer_writes(org_id: str, block_id: str) -> Delete:
    return Delete(table="core", key=_id_key(org_id, block_id))


def get_number_of_block(org_id: str, block_id: str) -> str | None:
    """Returns the number of a block by its id."""
    item = reads.get_item("core", _id_key(org_id, block_id))
    return str(item["e164"]) if item else None


def _digest_key(org_id: str, digest: str) -> Key:
    return {"pk": f"{org_id}#numbers-of-digests", "sk": digest}


def digest_pointer_write(org_id: str, e164: str) -> Put:
    """Returns the write of a pointer from the digest of a number to the number."""
    return Put(table="core", item={**_digest_key(org_id, texts.digest(e164)), "e164": e164})


def get_digested_numbers(places: Sequence[tuple[str, str]]) -> list[str | None]:
    """Returns the numbers of up to 100 pairs of organization and digest, in the same order."""
    found = reads.get_items("core", [_digest_key(*place) for place in places]) if places else []
    return [str(item["e164"]) if item else None for item in found]


def get_entry(org_id: str, ledger: Ledger, e164: str) -> Item | None:
    return reads.get_item("core", ledger_key(org_id, ledger, e164))


def list_entries(
    org_id: str, ledger: Ledger, parse: Callable[[Item], T], limit: int, after: str | None
) -> tuple[list[T], str | None]:
    """Returns a page of a ledger, by number."""
    return read_query_page(Query(table="core", partition=f"{org_id}#{ledger}"), parse, org_id, ledger, limit, after)
