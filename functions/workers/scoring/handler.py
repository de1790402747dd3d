"""Scores ended practice calls, and gives up if scoring takes too long."""

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
