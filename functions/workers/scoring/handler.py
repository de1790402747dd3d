"""Scoring: a practice call that has ended is judged, and one whose judging takes too long is given up."""

from __future__ import annotations

from switchboard import consumer
from switchboard.roleplay import scoring
from switchboard.roleplay.jobs import GiveUpScoring, ScoreRoleplay

handler = consumer.jobs(
    {
        ScoreRoleplay: lambda job: scoring.score(job.org_id, job.call_id),
        GiveUpScoring: lambda job: scoring.give_up(job.org_id, job.call_id),
    }
)
