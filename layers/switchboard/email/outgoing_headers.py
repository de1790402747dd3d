"""Writes the headers of outgoing mail, instead of the standard library.

The library's writers differ by version. Older versions decode a customer's text and let a line break through
(CVE-2024-6923). All versions encode a long Message-ID, after which no mail program finds the thread (RFC 2047, 5). This
module writes a text either unchanged or completely encoded, and never encodes values for machines.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence

from switchboard.email import people
from switchboard.email.address import normalize

#: The lengths at which a line is folded, of an encoded word, and of a word that cannot be folded (RFC 5322, 2.1.1).
_FOLDED, _ENCODED_WORD, _LONGEST_WORD = 76, 75, 900
_WORD_FRAME = len("=?utf-8?b??=")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")
_VISIBLE = re.compile(r"[ -~]*")
_ADDRESS = re.compile(r"[!#-'*+\-./0-9=?A-Z^-~]{1,64}@[A-Za-z0-9.-]{1,255}")
MESSAGE_ID = re.compile(rf"<[!-;=?-~]{{1,{_LONGEST_WORD}}}>")
_LINK = re.compile(rf"<(?:https?://|mailto:)[!-;=?-~]{{1,{_LONGEST_WORD}}}>", re.IGNORECASE)
#: An entry of a list of people.
_MAILBOX = re.compile(r'(?P<name>"(?:[^"\\]|\\.)*" *|[^"<>@,;:()\\]*)<(?P<angle>[^<>\s]+)>|(?P<bare>[^<>\s",;:()]+)')
_NO_MAILBOXES = "is not a list of addresses: send for example support@example.com, Sales <sales@example.com>"
ONE_CLICK = "List-Unsubscribe=One-Click"

#: A header: its name and its folded value.
MailHeader = tuple[str, str]


def text_header(name: str, value: str) -> MailHeader:
    """Returns a header with text for people."""
    value = value.strip(" ")
    words = re.findall(r" *[^ ]+", value)
    plain = _VISIBLE.fullmatch(value) and "=?" not in value
    if plain and all(len(word) <= _LONGEST_WORD for word in words):
        return name, _folded(name, words)
    return name, _encoded(name, value)


def message_ids_header(name: str, values: Iterable[str]) -> MailHeader:
    """Returns a header of Message-IDs. Raises ValueError if one is not valid."""
    return name, _folded(name, _spaced(check_message_id(value) for value in values))


def check_message_id(value: str) -> str:
    """Returns a Message-ID in brackets. Raises ValueError if it is not valid."""
    bracketed = value if value.startswith("<") else f"<{value}>"
    if not MESSAGE_ID.fullmatch(bracketed):
        raise ValueError(f"is not a Message-ID: send for example <id@example.com>, in brackets, of at most "
                         f"{_LONGEST_WORD} visible characters")  # fmt: skip
    return bracketed


def addresses_header(name: str, values: Iterable[str]) -> MailHeader:
    """Returns a header of bare addresses. Raises ValueError if one is not valid."""
    return name, _folded(name, _listed(_address(value) for value in values))


def mailboxes_header(name: str, value: Sequence[people.Person]) -> MailHeader:
    """Returns a header of people with their names. Raises ValueError if an address is not valid."""
    words: list[str] = []
    for number, person in enumerate(value):
        comma = "," if number < len(value) - 1 else ""
        if not person.name.strip():
            words.append(f" {_address(person.address)}{comma}")
            continue
        words += [*_phrase(person.name.strip()), f" <{_address(person.address)}>{comma}"]
    words[0] = words[0].lstrip()
    return name, _folded(name, words)


def parse_mailboxes(value: str) -> list[people.Person]:
    """Parses the people in a customer's header. Raises ValueError unless each entry has a valid address."""
    # Errors that the parser for received mail repairs are rejected here. Commas in quotes do not separate entries.
    found: list[people.Person] = []
    for entry in _entries(value):
        match = _MAILBOX.fullmatch(entry.strip())
        if not match:
            raise ValueError(_NO_MAILBOXES)
        name = (match["name"] or "").strip()
        if name.startswith('"'):
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        try:
            found.append(people.Person(name, normalize(match["angle"] or match["bare"])))
        except ValueError:
            raise ValueError(_NO_MAILBOXES) from None
    return found


def _entries(value: str) -> Iterator[str]:
    begin, quoted, escaped = 0, False, False
    for place, char in enumerate(value):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = quoted
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            yield value[begin:place]
            begin = place + 1
    yield value[begin:]


def links_header(name: str, value: str) -> MailHeader:
    """Returns a header of links (List-Unsubscribe). Raises ValueError if one is not valid."""
    # A link may contain a comma, so split between the brackets.
    found = [part if part.startswith("<") else f"<{part}" for part in re.split(r">\s*,\s*<", value.strip())]
    found = [part if part.endswith(">") else f"{part}>" for part in found]
    if not (value.strip().startswith("<") and value.strip().endswith(">")):
        found = [""]
    if not all(_LINK.fullmatch(one) for one in found):
        raise ValueError(
            "is not a list of links: send for example <https://example.com/unsubscribe>, <mailto:a@example.com>"
        )
    return name, _folded(name, _listed(found))


def one_click_header(name: str, value: str) -> MailHeader:
    """Returns the header List-Unsubscribe-Post. Raises ValueError unless it has the only allowed value (RFC 8058)."""
    if value != ONE_CLICK:
        raise ValueError(f"has only one allowed value: send {ONE_CLICK}")
    return name, value


#: The customer's headers with a special syntax. All other headers are text.
_FORMS = {
    "reply-to": lambda name, value: mailboxes_header(name, parse_mailboxes(value)),
    "list-unsubscribe": links_header,
    "list-unsubscribe-post": one_click_header,
}


def customer_header(name: str, value: str) -> MailHeader:
    """Returns a customer's header. Raises ValueError with a message for the customer if its value is not valid."""
    form = _FORMS.get(name.lower())
    return form(name, value) if form else text_header(name, value)


def header_bytes(headers: Sequence[MailHeader]) -> bytes:
    """Returns the headers as bytes. Raises ValueError if a parser would find other headers than these."""
    raw = "".join(f"{name}: {value}\r\n" if value[:1] != "\r" else f"{name}:{value}\r\n" for name, value in headers)
    _require_exactly(headers, raw)
    return raw.encode("ascii")


def _require_exactly(headers: Sequence[MailHeader], raw: str) -> None:
    """The last check: a customer's text must not add a header, end a header or begin the body."""
    found: list[list[str]] = []
    for line in raw.removesuffix("\r\n").split("\r\n"):
        if not _VISIBLE.fullmatch(line) or not line.strip() or len(line) > 998:
            raise ValueError("a line of a header is empty, is too long, or has a forbidden character")
        if line[0] == " ":
            found[-1].append(line)
        else:
            found.append([line])
    names = [lines[0].partition(":")[0] for lines in found]
    if names != [name for name, _ in headers] or not all(map(_NAME.fullmatch, names)):
        raise ValueError("the written headers differ from the given headers")


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError("an address is not valid")
    return value


def _phrase(name: str) -> list[str]:
    if not _VISIBLE.fullmatch(name) or "=?" in name or len(name) > _LONGEST_WORD:
        return [f" {word}" for word in _encoded_words(name, _ENCODED_WORD)]
    quoted = re.sub(r'(["\\])', r"\\\1", name)
    return [f' "{quoted}"'] if quoted != name or not re.fullmatch(r"[A-Za-z0-9 ]+", name) else [f" {name}"]


def _spaced(words: Iterable[str]) -> list[str]:
    return [word if number == 0 else f" {word}" for number, word in enumerate(words)]


def _listed(words: Iterable[str]) -> list[str]:
    every = list(words)
    return _spaced(word + ("," if number < len(every) - 1 else "") for number, word in enumerate(every))


def _folded(name: str, words: Sequence[str]) -> str:
    """Returns the words, each with the spaces before it, on lines of at most _FOLDED characters if possible."""
    lines, used = [""], len(name) + 2
    for number, word in enumerate(words):
        if number and used + len(word) > _FOLDED:
            lines.append("")
            used = 0
        lines[-1] += word
        used += len(word)
    return "\r\n".join(lines)


def _encoded(name: str, value: str) -> str:
    room = _FOLDED - len(name) - 2
    # A long name gets a line of its own.
    beside = room > _WORD_FRAME + 16
    words = _encoded_words(value, min(room, _ENCODED_WORD) if beside else _ENCODED_WORD)
    return ("" if beside else "\r\n ") + "\r\n ".join(words)


def _encoded_words(value: str, longest: int) -> list[str]:
    """Returns a text as encoded words (RFC 2047), without splitting a character between words."""
    room = (longest - _WORD_FRAME) // 4 * 3
    words, part = [], b""
    for char in value:
        data = char.encode()
        if len(part) + len(data) > room:
            words.append(part)
            part = b""
        part += data
    return [f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in [*words, part]]
