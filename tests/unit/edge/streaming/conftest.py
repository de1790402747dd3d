"""The clock of the streams' tests."""

from __future__ import annotations

from tests.unit.streams.conftest import time

__all__ = ["time"]
