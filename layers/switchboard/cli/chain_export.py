"""Writes and reads an exported chain: JSON lines with the head as the last, or responses of `GET /v1/audit/export`.

The beginning of a chain is a valid chain too. So an export ends with its head: the number of links and the last hash.
A truncated file has no head, or fewer links than its head states.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain as chained
from typing import IO, Any

from switchboard.audit.chain import HASH_FIELD
from switchboard.audit.models import GENESIS, ChainHead

_NO_END = (
    "its end is missing: the last line of an export is its head, and this file may be truncated. Export the chain"
    " again, or give the last hash with --head"
)


def export_lines(documents: Iterable[dict[str, Any]], head: ChainHead) -> Iterator[str]:
    """The lines of an export. The last line is the head."""
    for value in chained(documents, [{"head": head._asdict()}]):
        yield json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class ExportReader:
    """Reads the documents of an export. `fault` is set if the file is unreadable or shorter than its head states."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._claimed: dict[int, str] = {}
        self._last = ChainHead(0, GENESIS)
        self._ended = False
        self._stated: ChainHead | None = None
        self.fault: str | None = None

    def read_documents(self) -> Iterator[dict[str, Any]]:
        """The documents in order, up to the end or the first fault."""
        try:
            for value in _values(self._file):
                for document in self._documents_of(value):
                    yield document
                    self._add_link(document)
        except ValueError as error:
            self.fault = str(error)
        except RecursionError:
            self.fault = "it is nested too deeply"
        else:
            if self._claimed:
                self.fault = f"it ends before its head at seq {max(self._claimed)}"

    def find_missing_end(self, expected: str | None) -> str | None:
        """Returns why the end may be missing after all documents are read, `None` if nothing is missing.

        A head in the file, or the `expected` hash, proves that the end is not missing.
        """
        if self.fault or self._ended or expected:
            return None
        return _NO_END if self._last.seq else f"it is empty: {_NO_END}"

    @property
    def head(self) -> ChainHead | None:
        """The head that the file states, `None` without one."""
        return self._stated

    def _add_link(self, document: dict[str, Any]) -> None:
        seq = document.get("seq", 0)
        self._last = ChainHead(seq, str(document.get(HASH_FIELD)))
        self._ended = False
        self._compare_claim(self._claimed.pop(seq, None))

    def _compare_claim(self, claimed: str | None) -> None:
        """Compares the last document with the hash that a head claims for it."""
        if claimed is None:
            return
        if claimed != self._last.hash:
            raise ValueError(f"the head at seq {self._last.seq} has another hash")
        self._ended = True

    def _documents_of(self, value: Any) -> list[dict[str, Any]]:
        documents = value
        if isinstance(value, dict) and "documents" in value:
            documents = value["documents"]
            if "head" in value:
                self._add_claim(value["head"])
        elif isinstance(value, dict) and value.keys() == {"head"}:
            documents = []
            self._add_claim(value["head"])
        elif isinstance(value, dict):
            documents = [value]
        if not isinstance(documents, list) or not all(isinstance(document, dict) for document in documents):
            raise ValueError("it holds values that are not documents of a chain")
        return documents

    def _add_claim(self, head: Any) -> None:
        match head:
            case {"seq": int(seq), "hash": str(claimed)} if len(head) == 2 and not isinstance(seq, bool):
                self._stated = ChainHead(seq, claimed)
                if seq == self._last.seq:
                    self._compare_claim(claimed)
                elif seq < self._last.seq:
                    raise ValueError(f"its head is seq {seq}, but it continues to seq {self._last.seq}")
                elif self._claimed.setdefault(seq, claimed) != claimed:
                    raise ValueError(f"it has two heads at seq {seq}")
            case _:
                raise ValueError("its head is malformed: a head has a seq and a hash")


def read_head(file: IO[str]) -> ChainHead:
    """Returns the head that an export states. Raises ValueError for a file without one."""
    reader = ExportReader(file)
    for _ in reader.read_documents():
        pass
    if reader.head is None:
        raise ValueError(reader.fault or "an export ends with its head")
    return reader.head


def _values(file: IO[str]) -> Iterator[Any]:
    """The JSON values of a text: one per line if the first line is a JSON value, or else parsed as a whole."""
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
    # The parser's message may end with a word before a place: "Unterminated string starting at".
    return ValueError(f"it is not JSON: {error.msg}: line {line} column {error.colno}")


def _parsed(text: str) -> Any:
    return _hashable(json.loads(text, object_pairs_hook=_unique))


def _hashable(value: Any) -> Any:
    # Half of a surrogate pair has no UTF-8 form, so no sealed link contains one.
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("an object has the same name twice: two readers could read different documents")
    return value
