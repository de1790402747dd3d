"""The index: an entry for each token of each subject, kept by the noun that is searched for.

| item | pk | sk |
|---|---|---|
| entry | `<org>#find#<noun>#<first character of the token>` | `<token>#<subject id>#<part>` |

An entry is a pointer and nothing else. The tokens of a subject have two parts: the `head`'s entries are written with
the subject, the `tail`'s some moments later. So an entry may be old: whether a subject matches is for the tokens to
say that it has now.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, NamedTuple, TypeVar

from switchboard.aws.table import Delete, Item, Key, Put, Query

Part = Literal["head", "tail"]
Subject = TypeVar("Subject")

#: How often a page that is not full yet reads on. It may then be short, or empty, and still not be the last.
_READS = 5
#: Entries of one read at least: of a small page's words, too, most entries may lead to subjects without the others.
_TOGETHER = 25


@dataclass(frozen=True, slots=True)
class Noun:
    """A kind of subject that is searched for, in a table."""

    table: str
    name: str


class Entry(NamedTuple):
    """A token of a subject, in one of its two parts."""

    token: str
    subject_id: str
    part: str


@dataclass(frozen=True, slots=True)
class Found(Generic[Subject]):
    """A subject as it is now, and its tokens."""

    subject: Subject
    head: Collection[str]
    tail: Collection[str] = field(default=())

    def shown_at(self, entry: Entry, words: Sequence[str]) -> bool:
        """Whether the subject has all the words, and this entry is the one of all that lead to it where it is shown.

        That is its smallest token of the head that begins with the first word, else of the tail: in whichever pages
        the entries stand, one of them is it.
        """
        if not all(self._has(word) for word in words):
            return False
        part, tokens = ("head", self.head) if _begins(self.head, words[0]) else ("tail", self.tail)
        return entry.part == part and entry.token == min(token for token in tokens if token.startswith(words[0]))

    def _has(self, word: str) -> bool:
        return _begins(self.head, word) or _begins(self.tail, word)


def _begins(tokens: Iterable[str], word: str) -> bool:
    return any(token.startswith(word) for token in tokens)


def put(noun: Noun, org_id: str, subject_id: str, part: Part, token: str) -> Put:
    """The write of an entry."""
    return Put(table=noun.table, item=dict(_key(noun, org_id, subject_id, part, token)))


def delete(noun: Noun, org_id: str, subject_id: str, part: Part, token: str) -> Delete:
    """The write that takes an entry away."""
    return Delete(table=noun.table, key=_key(noun, org_id, subject_id, part, token))


def difference(
    noun: Noun, org_id: str, subject_id: str, before: Collection[str], after: Collection[str]
) -> list[Put | Delete]:
    """The writes of the head's entries, for the commit that takes a subject from its tokens before to those after."""
    return [
        *(delete(noun, org_id, subject_id, "head", token) for token in before if token not in after),
        *(put(noun, org_id, subject_id, "head", token) for token in after if token not in before),
    ]


def search(
    noun: Noun,
    org_id: str,
    words: Sequence[str],
    limit: int,
    start: Item | None,
    load: Callable[[list[Entry]], list[Found[Subject] | None]],
) -> tuple[list[Subject], Item | None]:
    """Up to `limit` subjects that have a token beginning with each of the words, by token, and the place to go on from.

    The longest word is looked up, and `load` reads the subjects of some entries, as many as `limit` or a few more, as
    they are now: they have to have the other words. That happens five times at most.
    """
    if not words:
        return [], None
    words = sorted(words, key=len, reverse=True)
    query = Query(table=noun.table, partition=_partition(noun, org_id, words[0]), begins=words[0])
    shown: list[Subject] = []
    for _ in range(_READS):
        page = query.page(max(limit, _TOGETHER), start)
        entries = [_entry(item) for item in page.items]
        for entry, found in zip(entries, load(entries) if entries else (), strict=True):
            if found is not None and found.shown_at(entry, words):
                shown.append(found.subject)
            if len(shown) == limit:
                last = entry == entries[-1] and page.next_key is None
                return shown, None if last else dict(_key(noun, org_id, entry.subject_id, entry.part, entry.token))
        start = page.next_key
        if start is None:
            break
    return shown, start


def _entry(item: Item) -> Entry:
    return Entry(*item["sk"].split("#"))


def _partition(noun: Noun, org_id: str, token: str) -> str:
    return f"{org_id}#find#{noun.name}#{token[0]}"


def _key(noun: Noun, org_id: str, subject_id: str, part: str, token: str) -> Key:
    return {"pk": _partition(noun, org_id, token), "sk": f"{token}#{subject_id}#{part}"}
