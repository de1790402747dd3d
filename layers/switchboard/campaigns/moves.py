"""The moves between the statuses of a campaign."""

from __future__ import annotations

from switchboard.campaigns.models import CampaignStatus

_DRAFT, _QUEUED, _RUNNING = CampaignStatus.DRAFT, CampaignStatus.QUEUED, CampaignStatus.RUNNING
_PAUSED, _COMPLETED, _CANCELED = CampaignStatus.PAUSED, CampaignStatus.COMPLETED, CampaignStatus.CANCELED

#: The statuses that follow each status. A completed or canceled campaign has ended.
MOVES: dict[CampaignStatus, frozenset[CampaignStatus]] = {
    _DRAFT: frozenset({_QUEUED, _CANCELED}),
    _QUEUED: frozenset({_RUNNING, _PAUSED, _CANCELED}),
    _RUNNING: frozenset({_PAUSED, _COMPLETED, _CANCELED}),
    _PAUSED: frozenset({_QUEUED, _CANCELED}),
    _COMPLETED: frozenset(),
    _CANCELED: frozenset(),
}
#: The statuses in which rows may be added: no text goes out, and one may later.
OPEN_TO_ROWS = frozenset({_DRAFT, _QUEUED, _PAUSED})


def can_move(before: CampaignStatus, after: CampaignStatus) -> bool:
    """Whether a campaign may move from one status to another."""
    return after in MOVES[before]
