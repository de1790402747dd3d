"""Reading an exported chain: JSON lines, or answers of `GET /v1/audit/export` one after another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from switchboard.audit.chain import HASH


class Reader:
    """The documents of an export. `fault` is set where it cannot be read further, or is less than it says it is."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._heads: dict[int, str] = {}
        self.fault: str | None = None

    def documents(self) -> Iterator[dict[str, Any]]:
        """The documents in order, until the end or a fault."""
        try:
            for value in _values(self._file):
                for document in self._of(value):
                    yield document
                    self._keep_word(document)
        except ValueError as error:
            self.fault = str(error)
        except RecursionError:
            self.fault = "it is nested too deeply"
        else:
            if self._heads:
                self.fault = f"it ends before its head at seq {max(self._heads)}"

    def _keep_word(self, document: dict[str, Any]) -> None:
        claimed = self._heads.pop(document.get("seq", 0), None)
        if claimed not in (None, document.get(HASH)):
            raise ValueError(f"the head at seq {document['seq']} is another")

    def _of(self, value: Any) -> list[dict[str, Any]]:
        documents = value
        if isinstance(value, dict) and "documents" in value:
            documents, head = value["documents"], value.get("head")
            if isinstance(head, dict) and isinstance(head.get("seq"), int) and head["seq"] > 0:
                self._heads[head["seq"]] = str(head.get("hash"))
        elif isinstance(value, dict):
            documents = [value]
        if not isinstance(documents, list) or not all(isinstance(document, dict) for document in documents):
            raise ValueError("it holds something else than documents of a chain")
        return documents


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
                raise ValueError(f"line {number} is not JSON: {error.msg}") from None


def _several(text: str) -> Iterator[Any]:
    decoder, place = json.JSONDecoder(object_pairs_hook=_unique), 0
    while rest := text[place:].lstrip():
        place = len(text) - len(rest)
        try:
            value, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError as error:
            raise ValueError(f"line {error.lineno} is not JSON: {error.msg}") from None
        yield _hashable(value)


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
