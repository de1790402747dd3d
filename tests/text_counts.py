"""The texts of a range, as a report of the organization counts them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from switchboard.analytics.models import CallRange, MessageFigures
from switchboard.analytics.reading import RangeReading
from switchboard.aws import reads


def count_texts(org_id: str, start: datetime, end: datetime) -> MessageFigures:
    """Return the texts in the quarters of an hour that begin in a range."""
    reading = RangeReading(org_id, None, CallRange(start, end, ZoneInfo("UTC")), whole=True)
    reading.start()
    return reading.sums(reads.read_refs(*reading.refs)).texts
