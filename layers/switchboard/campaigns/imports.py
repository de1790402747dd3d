"""Imports batches of rows in chunks.

A batch is an object with a JSON object on each line. The campaign imports one batch after the other, and one chunk
after the other, so that the indexes of its recipients have no gaps.

A chunk may run several times. The rows of a batch are always judged in the same way, and so each row has the same index
in every run. A recipient is stored together with its number. A second run leaves out the rows that the first one
stored, and the last commit counts all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from switchboard import telemetry
from switchboard.aws import reads
from switchboard.aws.writes import commit, put_items
from switchboard.campaigns import batches, changes, counts, store
from switchboard.campaigns.jobs import ImportRecipients
from switchboard.campaigns.models import BatchStatus, Campaign, Recipient, RecipientBatch, RowProblem
from switchboard.campaigns.recipients import (
    RecipientRow,
    RowError,
    RowRules,
    describe_problem,
    parse_line,
)
from switchboard.kit import background, clock
from switchboard.numbers import service as numbers
from switchboard.persistence.collection import next_version
from switchboard.persistence.optimistic import Decision, retry_on_conflict

#: The rows of one run of the worker.
CHUNK_ROWS = 2_500
#: The recipients of one transaction: each is two writes.
_COMMIT_RECIPIENTS = 45


class _Judged(NamedTuple):
    """The result of the rows of a chunk: the number of stored recipients, the recipients to store, and the problems."""

    stored: int
    new: list[Recipient]
    problems: list[RowProblem]


def import_recipients(job: ImportRecipients) -> None:
    """Imports the next rows of a campaign's first batch. The last commit asks for the rows after them.

    If another run stores the same rows, this one reads again what is left to do.
    """
    retry_on_conflict(partial(_import_once, job))


def _import_once(job: ImportRecipients) -> None:
    campaign, batch = reads.read_refs(
        store.campaign_ref(job.org_id, job.campaign_id),
        store.batch_ref(job.org_id, job.campaign_id, job.batch_id),
    )
    if not campaign or not batch or not _is_next(campaign, batch, job):
        telemetry.log_skip("the rows are imported, or not wanted", campaign_id=job.campaign_id, batch_id=job.batch_id)
        return
    rows = batches.read_rows(batch)[batch.done : batch.done + CHUNK_ROWS]
    judged = _judge_rows(campaign, batch, rows)
    _store_recipients(judged.new)
    put_problems(batch, judged.problems)
    _count_rows(campaign, batch, len(rows), judged)


def _is_next(campaign: Campaign, batch: RecipientBatch, job: ImportRecipients) -> bool:
    return campaign.waiting[:1] == [batch.id] and batch.done == job.done


def _judge_rows(campaign: Campaign, batch: RecipientBatch, lines: Sequence[bytes]) -> _Judged:
    rules = find_rules(campaign, batch)
    valid: dict[int, RecipientRow] = {}
    problems: list[RowProblem] = []
    for number, line in enumerate(lines, batch.done + 1):
        try:
            valid[number] = parse_line(line, rules)
        except RowError as error:
            problems.append(describe_problem(number, error))
    first_of: dict[str, int] = {}
    for number, row in valid.items():
        first_of.setdefault(row.contact_e164, number)
    found = store.find_taken(campaign.org_id, campaign.id, list(first_of))
    taken = dict(zip(first_of, found, strict=True))
    index, stored = campaign.total, 0
    new: list[Recipient] = []
    for number, row in valid.items():
        holder = taken[row.contact_e164]
        mine = holder is not None and (holder["batch_id"], holder["row"]) == (batch.id, number)
        if first_of[row.contact_e164] != number or (holder and not mine):
            problems.append(RowProblem(row=number, code="duplicate", message="another row has this number"))
            continue
        if mine:
            stored += 1
        else:
            new.append(_new_recipient(batch, number, index, row))
        index += 1
    return _Judged(stored, new, problems)


def find_rules(campaign: Campaign, batch: RecipientBatch) -> RowRules:
    """Returns the rules for the rows of a batch. They are the same in every run."""
    # A number that was released since the batch came counts too.
    own = frozenset(one.e164 for one in numbers.list_numbers(batch.org_id) if one.created_at <= batch.created_at)
    return RowRules(campaign.body_template, own, clock.parse(batch.created_at), batch.sends_files)


def _new_recipient(batch: RecipientBatch, number: int, index: int, row: RecipientRow) -> Recipient:
    return Recipient(
        org_id=batch.org_id,
        campaign_id=batch.campaign_id,
        index=index,
        contact_e164=row.contact_e164,
        body=row.body,
        media=row.media,
        variables=row.variables,
        timezone=row.timezone,
        consent_source=row.consent_source,
        consent_date=row.consent_date,
        batch_id=batch.id,
        row=number,
    )


def _store_recipients(recipients: Sequence[Recipient]) -> None:
    """Stores recipients with their numbers, in parallel transactions. Fails if another run stores them now."""
    parts = [
        [write for one in part for write in (store.new_recipient_write(one), store.taken_write(one))]
        for part in _parts(recipients)
    ]
    for done in [background.submit(partial(commit, part)) for part in parts]:
        done.result()


def _parts(recipients: Sequence[Recipient]) -> Iterator[Sequence[Recipient]]:
    for begin in range(0, len(recipients), _COMMIT_RECIPIENTS):
        yield recipients[begin : begin + _COMMIT_RECIPIENTS]


def put_problems(batch: RecipientBatch, problems: Iterable[RowProblem]) -> None:
    """Stores the problems of rows. A second run stores the same."""
    items = [store.problem_item(batch, problem) for problem in problems]
    if items:
        put_items("core", items)


def _count_rows(campaign: Campaign, batch: RecipientBatch, rows: int, judged: _Judged) -> None:
    """Commits the end of a chunk: the counts, the campaign's total, and the job that follows."""
    imported = judged.stored + len(judged.new)
    duplicates = sum(problem.code == "duplicate" for problem in judged.problems)
    invalid = len(judged.problems) - duplicates
    finished = batch.done + rows >= batch.rows
    counted = next_version(
        batch,
        status=BatchStatus.IMPORTED if finished else BatchStatus.WAITING,
        done=batch.done + rows,
        imported=batch.imported + imported,
        duplicates=batch.duplicates + duplicates,
        invalid=batch.invalid + invalid,
    )

    def decide(before: Campaign) -> Decision[Campaign]:
        if before.waiting[:1] != [batch.id] or before.total != campaign.total:
            return None
        waiting = before.waiting[1:] if finished else before.waiting
        after = next_version(
            before,
            total=before.total + imported,
            duplicates=before.duplicates + duplicates,
            invalid=before.invalid + invalid,
            waiting=waiting,
        )
        worker = changes.campaign_worker(after)
        facts = {name: getattr(counted, name) for name in ("imported", "duplicates", "invalid")}
        return after, [
            store.batch_write(counted),
            counts.import_writes(after, before.total, after.total),
            batches.import_write(after, 0 if finished else counted.done) if waiting else changes.start_writes(after),
            changes.campaign_event_write(worker, "campaign.recipients_imported", after, batch=batch.id, **facts)
            if finished
            else None,
        ]

    if not store.CAMPAIGNS.change_object(campaign.org_id, campaign.id, decide):
        telemetry.log_skip("the rows are imported, or not wanted", campaign_id=campaign.id, batch_id=batch.id)
