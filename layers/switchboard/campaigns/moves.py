"""The moves between the statuses of a campaign."""

from __future__ import annotations

from switchboard.campaigns.models import CampaignStatus

_DRAFT, _QUEUED, _RUNNING = CampaignStatus.DRAFT, CampaignStatus.QUEUED, CampaignStatus.RUNNING
_PAUSED, _COMPLETED, _CANCELLED = CampaignStatus.PAUSED, CampaignStatus.COMPLETED, CampaignStatus.CANCELLED

#: The statuses that follow each status. A completed or cancelled campaign has ended.
MOVES: dict[CampaignStatus, frozenset[CampaignStatus]] = {
    _DRAFT: frozenset({_QUEUED, _CANCELLED}),
    _QUEUED: frozenset({_RUNNING, _PAUSED, _CANCELLED}),
    _RUNNING: frozenset({_PAUSED, _COMPLETED, _CANCELLED}),
    _PAUSED: frozenset({_QUEUED, _CANCELLED}),
    _COMPLETED: frozenset(),
    _CANCELLED: frozenset(),
}
#: The statuses in which rows may be added: no text goes out, and one may later.
OPEN_TO_ROWS = frozenset({_DRAFT, _QUEUED, _PAUSED})


def can_move(before: CampaignStatus, after: CampaignStatus) -> bool:
    """Whether a campaign may move from one status to another."""
    return after in MOVES[before]
