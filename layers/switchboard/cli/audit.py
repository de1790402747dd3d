"""`switchboard audit`: exports and verifies an organization's audit chain."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import click

from switchboard.accounts import slugs
from switchboard.accounts.models import Organization
from switchboard.audit import chain
from switchboard.audit import service as audit
from switchboard.audit.chain import VerificationResult
from switchboard.audit.models import ChainHead
from switchboard.cli.chain_export import ExportReader, export_lines, read_head
from switchboard.cli.commands import (
    command_group,
    organization_argument,
    print_note,
    print_rows,
    progress_bar,
    require_one,
)
from switchboard.errors import Conflict, Invalid

_BATCH = 500
_HASH = re.compile(r"(sha256:)?[0-9a-f]{64}")
#: The exit codes of `verify`. A chain without a head may lack its end: it is neither proven nor refuted.
_HOLDS, _FAULTY, _NOT_PROVEN = 0, 1, 3

audit_command = command_group("audit")


@audit_command.command("export")
@organization_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to this file, which appears only when it is complete.",
)
def export_chain(org: Organization, output: Path | None) -> None:
    """Write the sealed chain as JSON lines, oldest first, with its head as the last line."""
    head = audit.get_head(org.id)
    with _writing(output) as file, progress_bar(head.seq, "Exporting") as bar:
        for line in export_lines(_sealed(org.id, head, bar), head):
            print(line, file=file)
    print_note(f"{head.seq} links, head {head.hash}")


@contextmanager
def _writing(path: Path | None) -> Iterator[IO[str]]:
    if path is None:
        yield sys.stdout
        return
    # The file appears under its name only when it is complete.
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise Invalid(f"Cannot write {path}: {error.strerror}.", code="usage") from error
    finally:
        with suppress(OSError):
            part.unlink()


def _sealed(org_id: str, head: ChainHead, bar: Any) -> Iterator[dict[str, Any]]:
    """The organization's links up to its head. Raises Conflict if a link is missing in the store."""
    seq = 0
    while seq < head.seq:
        _, batch = audit.export_part(org_id, seq, min(_BATCH, head.seq - seq))
        if not batch:
            raise Conflict(
                f"The store lacks seq {seq + 1}, although the chain's head is seq {head.seq}: restore it from a backup."
            )
        yield from batch
        seq += len(batch)
        bar.update(len(batch))


class _Verdict(NamedTuple):
    """The verdict on a chain. `missing` says why a chain without a fault is not proven."""

    found: VerificationResult
    missing: str | None = None


@audit_command.command("verify", offline=lambda given: bool(given["file"]) or not given["org"])
@require_one("file", "org")
@click.argument("file", metavar="[FILE]", required=False)
@click.option("--org", metavar="ORG", help="Check the stored chain instead of a file.")
@click.option(
    "--head",
    "--expect-head",
    metavar="HASH|FILE",
    help="The last hash, or a file with a head: needed for a file without a head of its own.",
)
def verify(file: str | None, org: str | None, head: str | None) -> int:
    """Check a chain: its numbers, links, hashes and end.

    FILE is an export, or responses of GET /v1/audit/export; - is standard input.

    Exits with 0 if the chain holds, with 1 if it has a fault, and with 3 if nothing proves that its end is complete.
    """
    expected = _expected_hash(head) if head else None
    verdict, missing = _verify_store(org) if org else _verify_file(str(file), expected)
    if verdict.fault is None and expected not in (None, verdict.head):
        verdict = verdict._replace(fault=f"the head differs from the expected {expected}")
    is_proven = verdict.fault is None and missing is None
    print_rows({"links": verdict.links, "head": verdict.head, "fault": verdict.fault, "proven": is_proven})
    if verdict.fault:
        print_note(f"switchboard: the chain does not hold: {verdict.fault}")
        return _FAULTY
    if missing:
        print_note(f"switchboard: not proven: {missing}")
        return _NOT_PROVEN
    return _HOLDS


def _verify_store(name: str) -> _Verdict:
    org_id = slugs.find_organization(name).id
    head = audit.get_head(org_id)
    with progress_bar(head.seq, "Verifying") as bar:
        found = chain.verify_export(_sealed(org_id, head, bar))
    if found.fault is None and found.head != head.hash:
        found = found._replace(fault=f"the head at seq {head.seq} has another hash")
    return _Verdict(found)


def _verify_file(name: str, expected: str | None) -> _Verdict:
    try:
        with nullcontext(sys.stdin) if name == "-" else Path(name).open(encoding="utf-8") as file:
            reader = ExportReader(file)
            found = chain.verify_export(reader.read_documents())
    except OSError as error:
        raise Invalid(f"Cannot read {name}: {error.strerror}.", code="usage") from error
    return _Verdict(found._replace(fault=found.fault or reader.fault), reader.find_missing_end(expected))


def _expected_hash(text: str) -> str:
    if _HASH.fullmatch(text):
        return text if text.startswith("sha256:") else f"sha256:{text}"
    try:
        with Path(text).open(encoding="utf-8") as file:
            return read_head(file).hash
    except OSError as error:
        raise Invalid(
            f"{text!r} is neither a hash, sha256:…, nor a file that can be read: {error.strerror}.", code="usage"
        ) from None
    except ValueError as error:
        raise Invalid(f"{text} has no head: {error}.", code="usage") from None
