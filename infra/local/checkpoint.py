"""Remembers over a stop which records of a table's stream were processed."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from infra.local import files


class Checkpoint:
    """The last processed sequence number of each shard.

    It moves only after the jobs of a record are safely in their queues. So a start after a kill processes some records
    twice and misses none. The consumers recognize repeated records.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, str] = {}
        # After a damaged file, streams are read from their beginning.
        with suppress(OSError, ValueError):
            self._places = dict(json.loads(path.read_text()))

    def last_place(self, stream: str, shard: str) -> str | None:
        """The last processed sequence number, `None` for the beginning."""
        return self._places.get(f"{stream} {shard}")

    def list_places(self) -> list[tuple[str, str]]:
        """The ARN of each stream with its last processed sequence number."""
        return [(key.partition(" ")[0], sequence) for key, sequence in self._places.items()]

    def save_place(self, stream: str, shard: str, sequence: str) -> None:
        """Store a sequence number as processed."""
        self._places[f"{stream} {shard}"] = sequence
        files.write(self._path, json.dumps(self._places), sync=False)

    def forget_places(self) -> None:
        """Read each stream from its beginning: the tables went back to an earlier state with earlier numbers."""
        self._places = {}
        self._path.unlink(missing_ok=True)
