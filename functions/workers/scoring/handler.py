"""Scores ended practice calls, and gives up if scoring takes too long."""

from __future__ import annotations

from switchboard import workers
from switchboard.roleplay import scoring
from switchboard.roleplay.jobs import GiveUpScoring, ScoreRoleplay

handler = workers.job_handler(
    {
        ScoreRoleplay: lambda job: scoring.score_call(job.org_id, job.call_id),
        GiveUpScoring: lambda job: scoring.give_up_scoring(job.org_id, job.call_id),
    }
)
