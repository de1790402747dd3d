"""`switchboard audit`: exports and verifies an organization's audit chain."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from switchboard.accounts import organizations
from switchboard.audit import chain
from switchboard.audit import service as audit
from switchboard.audit.chain import VerificationResult
from switchboard.audit.models import ChainHead
from switchboard.cli.chain_export import ExportReader, export_lines
from switchboard.cli.commands import CommandGroup, print_note, print_rows
from switchboard.errors import Conflict, Invalid

if TYPE_CHECKING:
    from switchboard.cli.commands import Nouns

_BATCH = 500


def add_to(nouns: Nouns) -> None:
    """Adds the commands."""
    noun = CommandGroup(nouns, "audit", "an organization's audit chain")
    export = noun.add_command(
        "export", _export, "write the sealed chain as JSON lines, oldest first, with its head as the last line"
    )
    export.add_argument("org", metavar="ORG")
    export.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write to this file, which appears only when it is complete"
    )
    verify = noun.add_command(
        "verify",
        _verify,
        "check a chain: its numbers, links, hashes and end",
        offline=lambda args: bool(args.file) or not args.org,
    )
    verify.add_argument(
        "file", nargs="?", metavar="FILE", help="an export, or responses of GET /v1/audit/export; - is standard input"
    )
    verify.add_argument("--org", metavar="ORG", help="check the stored chain instead of a file")
    verify.add_argument(
        "--expect-head", metavar="HASH", help="the last hash, from another source: needed for a file without a head"
    )


def _export(args: argparse.Namespace) -> None:
    org = organizations.get_organization(args.org)
    head = audit.get_head(org.id)
    with _writing(args.output) as file:
        for line in export_lines(_sealed(org.id, head), head):
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


def _sealed(org_id: str, head: ChainHead) -> Iterator[dict[str, Any]]:
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


def _verify(args: argparse.Namespace) -> int:
    if bool(args.file) == bool(args.org):
        args.usage_error("give either a FILE or --org")
    verdict = _of_store(args.org) if args.org else _of_file(args.file, args.expect_head)
    if verdict.fault is None and args.expect_head not in (None, verdict.head):
        verdict = verdict._replace(fault=f"the head differs from the expected {args.expect_head}")
    print_rows(args, {"links": verdict.links, "head": verdict.head, "fault": verdict.fault})
    if verdict.fault:
        print_note(f"switchboard: the chain does not hold: {verdict.fault}")
    return 1 if verdict.fault else 0


def _of_store(org_id: str) -> VerificationResult:
    head = audit.get_head(organizations.get_organization(org_id).id)
    verdict = chain.verify_export(_sealed(org_id, head))
    if verdict.fault is None and verdict.head != head.hash:
        return verdict._replace(fault=f"the head at seq {head.seq} has another hash")
    return verdict


def _of_file(name: str, expected_head: str | None) -> VerificationResult:
    try:
        with nullcontext(sys.stdin) if name == "-" else Path(name).open(encoding="utf-8") as file:
            reader = ExportReader(file)
            verdict = chain.verify_export(reader.read_documents())
    except OSError as error:
        raise Invalid(f"Cannot read {name}: {error.strerror}.", code="usage") from error
    return verdict._replace(fault=verdict.fault or reader.find_final_fault(expected_head))
