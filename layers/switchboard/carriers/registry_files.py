"""The national do-not-call registry, read from the files that telemarketers download.

A full list is a text file, or a zip file with that text. Each line has one number: `2025550123`, or with a comma
between area code and number as in current downloads, `202,5550123`. There is one file for each area code, or one for a
state or the whole country if the telemarketer selected that. Put all files unchanged into one folder, and remove
older ones. A change list, and any file with other lines, is refused: the gate does not guess.

A list is valid for 31 days (16 CFR 310.4(b)(3)(iv)). Its date is the one in its name, such as
`2026-01-31_202_….txt`. It is never later than the day on which the file was last changed, which is also the date of
a list without one in its name.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from io import BufferedReader
from pathlib import Path
from typing import IO, NamedTuple

from switchboard.carriers.registries import NoAnswerError, RegistryAnswer

#: The maximum age of a list on the day of the call.
MAX_LIST_AGE = timedelta(days=31)
_LINE = re.compile(rb"([2-9][0-9]{2}),?([2-9][0-9]{6})")
_DAY = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_CODE = re.compile(r"(?<![0-9A-Za-z])([2-9]\d{2})(?![0-9A-Za-z])")
#: The maximum length of a line in bytes, with its line end.
_MAX_LINE_BYTES = 64
_NUMBERS_PER_AREA_CODE = 10_000_000
#: The number of area codes that stay in memory. Each takes one bit for each of 10 million numbers: 1.25 MB.
_CACHED_AREA_CODES = 24


class _List(NamedTuple):
    """A version of a file: a changed size or time makes another version."""

    path: Path
    size: int
    changed: int

    @property
    def as_of(self) -> date:
        changed = datetime.fromtimestamp(self.changed / 1e9, UTC).date()
        named = _DAY.search(self.path.name)
        try:
            return min(changed, date(*map(int, named.groups()))) if named else changed
        except ValueError:
            raise NoAnswerError("list_misnamed") from None

    def may_have(self, code: str) -> bool:
        """Whether a file may have an area code: the one in its name, or any if its name has none."""
        codes = _CODE.findall(_DAY.sub(" ", self.path.stem).replace("_", " "))
        return not codes or code in codes


class FileRegistry:
    """The registry in a folder of downloaded files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def query_number(self, e164: str, now: datetime) -> RegistryAnswer:
        """Returns whether a number is registered. Raises NoAnswerError, also for an area code without a valid file."""
        code, number = e164[2:5], e164[5:]
        known = [(one, bits) for one in self._lists(code) if (bits := _read_numbers(one, code)) is not None]
        if not known:
            raise NoAnswerError("area_code_not_downloaded")
        newest = max(one.as_of for one, _ in known)
        if now.astimezone(UTC).date() - newest > MAX_LIST_AGE:
            raise NoAnswerError("list_too_old")
        position = int(number)
        # A number that left the registry may still be in an older list in the folder. It counts as registered.
        on_list = any(bits[position // 8] >> position % 8 & 1 for _, bits in known)
        return RegistryAnswer(on_list, newest)

    def _lists(self, code: str) -> list[_List]:
        try:
            files = [path for path in sorted(self._folder.iterdir()) if path.suffix.lower() in (".txt", ".zip")]
            found = [_List(path, (stat := path.stat()).st_size, stat.st_mtime_ns) for path in files]
        except OSError as error:
            raise NoAnswerError("folder_not_there") from error
        return [one for one in found if one.may_have(code)]


@lru_cache(maxsize=_CACHED_AREA_CODES)
def _read_numbers(one: _List, code: str) -> bytes | None:
    """Returns the numbers of an area code in a file, one bit each, or None if it has none. Raises NoAnswerError."""
    wanted, bits = code.encode(), None
    try:
        for line in _lines(one.path):
            if not line:
                continue
            match = _LINE.fullmatch(line)
            if match is None:
                raise NoAnswerError("list_malformed")
            if match[1] == wanted:
                bits = bits or bytearray(_NUMBERS_PER_AREA_CODE // 8)
                position = int(match[2])
                bits[position // 8] |= 1 << position % 8
    except (OSError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise NoAnswerError("list_unreadable") from error
    return bytes(bits) if bits else None


def _lines(path: Path) -> Iterator[bytes]:
    if path.suffix.lower() != ".zip":
        with path.open("rb") as file:
            yield from _of(file)
        return
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                yield from _of(file)


def _of(file: BufferedReader | IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(_MAX_LINE_BYTES):
        if not line.endswith(b"\n") and len(line) == _MAX_LINE_BYTES:
            raise NoAnswerError("list_malformed")
        yield line.strip(b" \t\r\n\xef\xbb\xbf")
