"""SQS, as services and workers use it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from switchboard.aws import session, settings

#: SQS' own longest delay, in seconds. Anything later is a timer's business.
MAX_DELAY = 900
_BATCH = 10


@dataclass(frozen=True, kw_only=True)
class Job:
    """One message for a worker.

    `group` names whose work it is: in a FIFO queue what must keep its order, in a standard one what shares a fair
    part. `dedupe` is the FIFO queue's five-minute duplicate guard.
    """

    queue: str
    body: dict[str, Any]
    group: str
    dedupe: str | None = None
    delay: int = 0


class SendError(RuntimeError):
    """SQS took some of a batch and not the rest. `jobs` are the rest."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        super().__init__(f"{len(jobs)} messages were not accepted")
        self.jobs = jobs


def send(jobs: Iterable[Job]) -> None:
    """Enqueue jobs, ten a request. Raises SendError for those that were not accepted; sending twice is harmless."""
    by_queue: dict[str, list[Job]] = {}
    for job in jobs:
        by_queue.setdefault(job.queue, []).append(job)
    refused: list[Job] = []
    for name, waiting in by_queue.items():
        for start in range(0, len(waiting), _BATCH):
            batch = waiting[start : start + _BATCH]
            answer = session.client("sqs").send_message_batch(
                QueueUrl=settings.queue_url(name), Entries=[_entry(i, job) for i, job in enumerate(batch)]
            )
            refused += [batch[int(failure["Id"])] for failure in answer.get("Failed", [])]
    if refused:
        raise SendError(refused)


def _entry(number: int, job: Job) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "Id": str(number),
        "MessageBody": json.dumps(job.body, separators=(",", ":")),
        "MessageGroupId": job.group,
    }
    if job.dedupe:
        entry["MessageDeduplicationId"] = job.dedupe
    if job.delay:
        entry["DelaySeconds"] = min(job.delay, MAX_DELAY)
    return entry
