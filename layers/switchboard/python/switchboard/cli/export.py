"""An exported chain as text: JSON lines with a head as the last, or answers of `GET /v1/audit/export`.

The first part of a chain verifies as well as the whole. So an export ends with its head, the number of links and the
last hash: a file whose end was cut off has none, or one that it does not reach.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain as chained
from typing import IO, Any

from switchboard.audit.chain import HASH
from switchboard.audit.models import GENESIS, Head

_NO_END = (
    "its end is missing: the last line of an export is its head, and was perhaps cut off. Export the chain again, or"
    " give the last hash with --expect-head"
)


def lines(documents: Iterable[dict[str, Any]], head: Head) -> Iterator[str]:
    """An export, line by line, that ends with its head."""
    for value in chained(documents, [{"head": head._asdict()}]):
        yield json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Reader:
    """The documents of an export. `fault` is set where it cannot be read further, or is less than it says it is."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._claimed: dict[int, str] = {}
        self._last = Head(0, GENESIS)
        self._ended = False
        self.fault: str | None = None

    def documents(self) -> Iterator[dict[str, Any]]:
        """The documents in order, until the end or a fault."""
        try:
            for value in _values(self._file):
                for document in self._of(value):
                    yield document
                    self._keep(document)
        except ValueError as error:
            self.fault = str(error)
        except RecursionError:
            self.fault = "it is nested too deeply"
        else:
            if self._claimed:
                self.fault = f"it ends before its head at seq {max(self._claimed)}"

    def end(self, expected: str | None) -> str | None:
        """The fault, once all documents are read. The end is known by a head in the file, or by the `expected` hash."""
        if self.fault or self._ended or expected:
            return self.fault
        return _NO_END if self._last.seq else f"it is empty: {_NO_END}"

    def _keep(self, document: dict[str, Any]) -> None:
        seq = document.get("seq", 0)
        self._last = Head(seq, str(document.get(HASH)))
        self._ended = False
        self._reach(self._claimed.pop(seq, None))

    def _reach(self, claimed: str | None) -> None:
        """A head claims the last document's place."""
        if claimed is None:
            return
        if claimed != self._last.hash:
            raise ValueError(f"the head at seq {self._last.seq} is another")
        self._ended = True

    def _of(self, value: Any) -> list[dict[str, Any]]:
        documents = value
        if isinstance(value, dict) and "documents" in value:
            documents = value["documents"]
            if "head" in value:
                self._claim(value["head"])
        elif isinstance(value, dict) and value.keys() == {"head"}:
            documents = []
            self._claim(value["head"])
        elif isinstance(value, dict):
            documents = [value]
        if not isinstance(documents, list) or not all(isinstance(document, dict) for document in documents):
            raise ValueError("it holds something else than documents of a chain")
        return documents

    def _claim(self, head: Any) -> None:
        match head:
            case {"seq": int(seq), "hash": str(claimed)} if len(head) == 2 and not isinstance(seq, bool):
                if seq == self._last.seq:
                    self._reach(claimed)
                elif seq < self._last.seq:
                    raise ValueError(f"its head is seq {seq}, and it goes on to seq {self._last.seq}")
                elif self._claimed.setdefault(seq, claimed) != claimed:
                    raise ValueError(f"it has two heads at seq {seq}")
            case _:
                raise ValueError("its head is not one: it has a seq and a hash")


def _values(file: IO[str]) -> Iterator[Any]:
    """The JSON values of a text: line by line where its first line is one, else all of it at once."""
    first = file.readline()
    try:
        yield _parsed(first)
    except json.JSONDecodeError:
        yield from _several(first + file.read())
        return
    for number, line in enumerate(file, 2):
        if line.strip():
            try:
                yield _parsed(line)
            except json.JSONDecodeError as error:
                raise _not_json(error, number) from None


def _several(text: str) -> Iterator[Any]:
    decoder, place = json.JSONDecoder(object_pairs_hook=_unique), 0
    while rest := text[place:].lstrip():
        place = len(text) - len(rest)
        try:
            value, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError as error:
            raise _not_json(error, error.lineno) from None
        yield _hashable(value)


def _not_json(error: json.JSONDecodeError, line: int) -> ValueError:
    # The parser's words end where a place follows: "Unterminated string starting at".
    return ValueError(f"it is not JSON: {error.msg}: line {line} column {error.colno}")


def _parsed(text: str) -> Any:
    return _hashable(json.loads(text, object_pairs_hook=_unique))


def _hashable(value: Any) -> Any:
    # Half of a surrogate pair has no UTF-8: no link that we sealed holds one.
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a name stands twice in one object: two readers would see two documents")
    return value
