"""How far the stack has handed a table's stream on, kept over a stop."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from infra.local import files


class Checkpoint:
    """The last sequence number of each shard whose records are handed on, with everything before it.

    It moves only after the jobs of a record are safely in their queues. So a start after a kill hands some records on
    twice, which their consumers recognize, and misses none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, str] = {}
        # A damaged file means: from the beginning.
        with suppress(OSError, ValueError):
            self._places = dict(json.loads(path.read_text()))

    def place(self, stream: str, shard: str) -> str | None:
        """The last sequence number that was handed on, or `None` for the beginning."""
        return self._places.get(f"{stream} {shard}")

    def places(self) -> list[tuple[str, str]]:
        """The streams, by their ARN, and how far they are handed on."""
        return [(key.partition(" ")[0], sequence) for key, sequence in self._places.items()]

    def move(self, stream: str, shard: str, sequence: str) -> None:
        """Note a sequence number as handed on."""
        self._places[f"{stream} {shard}"] = sequence
        files.write(self._path, json.dumps(self._places), sync=False)

    def forget(self) -> None:
        """Begin each stream from its beginning: the tables went back to an earlier state, and so did its numbers."""
        self._places = {}
        self._path.unlink(missing_ok=True)
