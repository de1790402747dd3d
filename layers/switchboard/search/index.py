"""The search index: one entry for each token of each subject. The searched noun writes its entries.

| item | pk | sk |
|---|---|---|
| entry | `<org>#find#<noun>#<first character of the token>` | `<token>#<subject id>#<part>` |

An entry is only a pointer. The tokens of a subject have two parts. The entries of the `head` are written with the
subject, the entries of the `tail` shortly after it. So an entry may be outdated. The current tokens of a subject decide
whether it matches.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, Literal, NamedTuple, TypeVar

from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query
from switchboard.aws.writes import Delete, Put
from switchboard.kit.background import BackgroundTask
from switchboard.persistence import cursors
from switchboard.persistence.page_cuts import cut_page, looked_at

IndexPart = Literal["head", "tail"]
Subject = TypeVar("Subject")

#: The maximum number of words that are looked up in the index. Further words are compared with the subjects' tokens.
_MAX_WORDS_LOOKED_UP = 3
#: The number of entries that are read for each of several words. An entry has about 150 bytes.
_ENTRIES_PER_WORD = 1_000
#: The number of entries that are read for a single word, for each subject that a page looks at. A subject may have
#: several entries for a word.
_ENTRIES_PER_SUBJECT = 2


@dataclass(frozen=True, slots=True)
class SearchNoun:
    """A kind of searchable subject, and its table."""

    table: str
    name: str


class IndexEntry(NamedTuple):
    """A token of a subject, in one of the two parts."""

    token: str
    subject_id: str
    part: str


@dataclass(frozen=True, slots=True)
class SearchSubject(Generic[Subject]):
    """A subject and its current tokens."""

    subject: Subject
    head: Collection[str]
    tail: Collection[str] = field(default=())

    def is_shown_at(self, entry: IndexEntry, words: Sequence[str]) -> bool:
        """Whether the subject has all words, and this entry is the one at which the subject is shown.

        A subject may match through several entries, on several pages. It is shown once: at its smallest token that
        begins with the first word, in the head if the head has such a token, else in the tail.
        """
        if not all(self._has_word(word) for word in words):
            return False
        part, tokens = ("head", self.head) if _begins(self.head, words[0]) else ("tail", self.tail)
        return entry.part == part and entry.token == min(token for token in tokens if token.startswith(words[0]))

    def _has_word(self, word: str) -> bool:
        return _begins(self.head, word) or _begins(self.tail, word)


def _begins(tokens: Iterable[str], word: str) -> bool:
    return any(token.startswith(word) for token in tokens)


def entry_write(noun: SearchNoun, org_id: str, subject_id: str, part: IndexPart, token: str) -> Put:
    """Returns the write of an entry."""
    return Put(table=noun.table, item=dict(_key(noun, org_id, subject_id, part, token)))


def entry_delete_write(noun: SearchNoun, org_id: str, subject_id: str, part: IndexPart, token: str) -> Delete:
    """Returns the write that deletes an entry."""
    return Delete(table=noun.table, key=_key(noun, org_id, subject_id, part, token))


def head_writes(
    noun: SearchNoun, org_id: str, subject_id: str, before: Collection[str], after: Collection[str]
) -> list[Put | Delete]:
    """Returns the writes of the head's entries, for the commit that changes a subject's tokens to `after`."""
    return [
        *(entry_delete_write(noun, org_id, subject_id, "head", token) for token in before if token not in after),
        *(entry_write(noun, org_id, subject_id, "head", token) for token in after if token not in before),
    ]


def search_subjects(
    noun: SearchNoun,
    org_id: str,
    words: Iterable[str],
    limit: int,
    after: str | None,
    load: Callable[[list[IndexEntry]], list[SearchSubject[Subject] | None]],
) -> tuple[list[Subject], str | None]:
    """Returns up to `limit` subjects that have, for each word, a token with this beginning, and the next cursor.

    The subjects are ordered by token. The order of the words makes no difference, and may change between pages. Raises
    Invalid for the cursor of another search.

    A page takes two round trips: the entries of the longest words, which are read in parallel, and `load`, which reads
    the current subjects of some of these entries. Only subjects with all words are returned. So a page may be short or
    empty without being the last. It looks at more subjects than it shows (`persistence.page_cuts`).
    """
    # A fixed order makes the choice of words and the cursor's query independent of the given order.
    ordered = sorted(set(words), key=lambda word: (-len(word), word))
    query = f"find:{noun.name}:{' '.join(ordered)}"
    start = cursors.decode_cursor(after, org_id, query)
    if not ordered:
        return [], None
    looked_up = ordered[:_MAX_WORDS_LOOKED_UP]
    at_once = _ENTRIES_PER_WORD if len(looked_up) > 1 else _ENTRIES_PER_SUBJECT * looked_at(limit)
    pages = _read_entries(noun, org_id, looked_up, at_once, start)
    first = str(start["word"]) if start else _rarest_word(pages)
    entries, next_key = pages.pop(first)
    for others, more in pages.values():
        if more is None:
            # All entries of this word are known, so subjects without one cannot match.
            having = {entry.subject_id for entry in others}
            entries = [entry for entry in entries if entry.subject_id in having]
    taken = _limit_subjects(entries, looked_at(limit))
    order = [first, *(word for word in ordered if word != first)]
    found = list(zip(taken, load(taken) if taken else [], strict=True))
    unread = len(taken) < len(entries)

    def fits(pair: tuple[IndexEntry, SearchSubject[Subject] | None]) -> bool:
        entry, one = pair
        return one is not None and one.is_shown_at(entry, order)

    cut = cut_page(found, fits, limit, more=unread or next_key is not None)
    if cut.last and (unread or cut.last is not found[-1]):
        last, _ = cut.last
        next_key = dict(_key(noun, org_id, last.subject_id, last.part, last.token))
    shown = [one.subject for _, one in cut.shown if one]
    return shown, cursors.encode_cursor({"word": first, **next_key} if next_key else None, org_id, query)


def _read_entries(
    noun: SearchNoun, org_id: str, words: Sequence[str], limit: int, start: Item | None
) -> dict[str, tuple[list[IndexEntry], Item | None]]:
    """Returns for each word its entries and the next key. The cursor's word continues at the cursor."""

    def read(word: str) -> tuple[list[IndexEntry], Item | None]:
        place = {"pk": start["pk"], "sk": start["sk"]} if start and start["word"] == word else None
        page = Query(table=noun.table, partition=_partition(noun, org_id, word), begins=word).read_page(limit, place)
        return [_entry(item) for item in page.items], page.next_key

    tasks = {word: BackgroundTask(partial(read, word)) for word in words}
    for task in list(tasks.values())[1:]:
        task.start()
    return {word: task.result() for word, task in tasks.items()}


def _rarest_word(pages: dict[str, tuple[list[IndexEntry], Item | None]]) -> str:
    """Returns the word with the fewest entries among the completely read words, or else the longest word."""
    known = [word for word, (_, more) in pages.items() if more is None]
    return min(known, key=lambda word: len(pages[word][0])) if known else next(iter(pages))


def _limit_subjects(entries: list[IndexEntry], most: int) -> list[IndexEntry]:
    """Returns the first entries, of at most `most` different subjects."""
    subjects: set[str] = set()
    for place, entry in enumerate(entries):
        subjects.add(entry.subject_id)
        if len(subjects) > most:
            return entries[:place]
    return entries


def _entry(item: Item) -> IndexEntry:
    return IndexEntry(*item["sk"].split("#"))


def _partition(noun: SearchNoun, org_id: str, token: str) -> str:
    return f"{org_id}#find#{noun.name}#{token[0]}"


def _key(noun: SearchNoun, org_id: str, subject_id: str, part: str, token: str) -> Key:
    return {"pk": _partition(noun, org_id, token), "sk": f"{token}#{subject_id}#{part}"}
