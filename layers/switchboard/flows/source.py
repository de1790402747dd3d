"""Reads JSON and YAML texts of a caller, with the line of each value, and with limits of size, depth and count.

A path names a value inside a text: `("tools", 0, "url")` is shown as `tools[0].url`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, NoReturn

from switchboard.kit.texts import is_deeper, is_larger

Path = tuple[str | int, ...]

#: The largest text, in bytes, and the most levels and values in it. They keep the work for one text below a second.
MAX_SOURCE_BYTES = 65_536
MAX_SOURCE_DEPTH = 16
MAX_SOURCE_VALUES = 5_000
#: The most characters of a whole number in YAML. Python makes no decimal text of a number with more than 4,300 digits.
_MAX_DIGITS = 3_000
#: The most aliases (`*name`) in a YAML text.
MAX_ALIASES = 50

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+')
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TAG = "tag:yaml.org,2002:"
_NODE_EVENTS = frozenset({"ScalarEvent", "AliasEvent", "MappingStartEvent", "SequenceStartEvent"})
_HALF_A_PAIR = "contains half of a surrogate pair: send complete characters"


class SourceError(ValueError):
    """A text or a value in it is not valid. The message names the line and the path, if they are known."""

    def __init__(self, problem: str, line: int | None = None, path: Path = ()) -> None:
        places = [f"line {line}"] if line else []
        if path:
            places.append(f"at {format_path(path)}")
        super().__init__(f"{', '.join(places)}: {problem}" if places else problem)
        self.problem = problem
        self.line = line
        self.path = path


class PathError(ValueError):
    """A value inside a text is not valid."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(problem)
        self.path = path
        self.problem = problem


@dataclass(frozen=True)
class Source:
    """The value of a text. `find_lines` returns the line of each path."""

    value: Any
    find_lines: Callable[[], dict[Path, int]] = field(repr=False)

    def error(self, error: PathError) -> SourceError:
        """Returns the error with its line: the line of the nearest value that exists."""
        lines = self.find_lines()
        path = error.path
        while path and path not in lines:
            path = path[:-1]
        return SourceError(error.problem, lines.get(path), error.path)


def format_path(path: Path) -> str:
    """Returns a path as people write it: `tools[0].url`."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        elif _PLAIN_NAME.fullmatch(part):
            shown += f".{part}" if shown else part
        else:
            shown += f"[{json.dumps(part[:64], ensure_ascii=False)}]"
    return shown


def _check_size(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise SourceError(_HALF_A_PAIR) from None
    if size > MAX_SOURCE_BYTES:
        raise SourceError(f"is longer than {MAX_SOURCE_BYTES // 1_024} KB: shorten it")


def _check_shape(value: Any) -> None:
    if is_deeper(value, MAX_SOURCE_DEPTH):
        raise SourceError(f"is nested too deeply: use at most {MAX_SOURCE_DEPTH} levels")
    if is_larger(value, MAX_SOURCE_VALUES):
        raise SourceError(f"contains more than {MAX_SOURCE_VALUES:,} values: shorten it")


# ---- JSON


def read_json(text: str) -> Source:
    """Parses a JSON text. Raises SourceError, also for a key that an object has twice."""
    _check_size(text)
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except _DuplicateKeyError as error:
        raise _duplicate(text, error.key) from None
    except json.JSONDecodeError as error:
        problem = f"{error.msg} (column {error.colno})"
        raise SourceError(f"is not valid JSON: {problem[0].lower()}{problem[1:]}", error.lineno) from None
    except UnicodeEncodeError:
        raise _half_a_pair(text) from None
    except RecursionError:
        raise SourceError(f"is nested too deeply: use at most {MAX_SOURCE_DEPTH} levels") from None
    except SourceError:
        raise
    except ValueError:
        raise SourceError("contains a number that is too long") from None
    _check_shape(value)
    return Source(value, lambda: {path: _line(text, at) for path, at in json_places(text)})


class _DuplicateKeyError(ValueError):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for name, member in pairs:
        if name in value:
            raise _DuplicateKeyError(name)
        value[name] = member
    return value


def _finite(digits: str) -> float:
    value = float(digits)
    if not isfinite(value):
        raise SourceError(f"contains the number {digits[:40]}, which is too large")
    return value


def _constant(name: str) -> NoReturn:
    raise SourceError(f"contains {name}, which is not a JSON number")


def _duplicate(text: str, key: str) -> SourceError:
    seen: set[Path] = set()
    for path, at in json_places(text):
        if path in seen and path[-1:] == (key,):
            return SourceError("is there twice: remove one", _line(text, at), path)
        seen.add(path)
    return SourceError(f"has the key {key[:64]!r} twice: remove one")


def _half_a_pair(text: str) -> SourceError:
    """Returns the error for the value with half of a surrogate pair. A key is named by its object."""
    for path, at in json_places(text):
        if any(isinstance(part, str) and not _is_complete(part) for part in path):
            return SourceError(f"has a key that {_HALF_A_PAIR}", _line(text, at), path[:-1])
        word = _TOKEN.match(text, at)
        if word and word[0].startswith('"') and not _is_complete(json.loads(word[0])):
            return SourceError(_HALF_A_PAIR, _line(text, at), path)
    return SourceError(_HALF_A_PAIR)


def _is_complete(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def json_places(text: str) -> Iterator[tuple[Path, int]]:
    """Returns the path and the offset of each value of a well-formed JSON text, without recursion."""
    path: list[str | int] = []
    inside: list[str] = []
    key_follows = False
    for match in _TOKEN.finditer(text):
        word = match[0]
        if word == ":":
            continue
        if word == ",":
            last = path[-1]
            key_follows = inside[-1] == "{"
            if isinstance(last, int):
                path[-1] = last + 1
        elif word in "}]":
            inside.pop()
            path.pop()
            key_follows = False
        elif key_follows:
            path[-1] = json.loads(word)
            key_follows = False
        else:
            yield tuple(path), match.start()
            if word in "{[":
                inside.append(word)
                path.append("" if word == "{" else 0)
                key_follows = word == "{"


# ---- YAML


def read_yaml(text: str) -> Source:
    """Parses one YAML 1.2 document of plain values. Raises SourceError.

    Tags, merge keys and keys that are not texts are refused. The limits count the values of an alias each time that it
    is used.
    """
    # for cold start: most requests have no YAML
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    _check_size(text)
    try:
        _check_events(YAML(typ="safe", pure=True).parse(text))
        node = YAML(typ="safe", pure=True).compose(text)
    except SourceError:
        raise
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SourceError(
            f"is not valid YAML: {error.problem or error.context or 'cannot be read'}", mark.line + 1 if mark else None
        ) from None
    except YAMLError as error:
        found = _CONTROL.search(text)
        why = f"it contains the control character U+{ord(found[0]):04X}" if found else str(error).split("\n")[0]
        raise SourceError(f"is not valid YAML: {why}", _line(text, found.start()) if found else None) from None
    except (ValueError, TypeError, AttributeError, IndexError, KeyError, RecursionError, AssertionError):
        # The parser has bugs with rare malformed texts.
        raise SourceError("is not valid YAML: it cannot be read") from None
    if node is None:
        raise SourceError("is empty: send a YAML document")
    reader = _YamlReader()
    value = reader.read(node, ())
    return Source(value, lambda: reader.lines)


def _check_events(events: Any) -> None:
    """Raises SourceError for too many values, levels or aliases, and for a second document, before anything is built.

    The parser is not recursive, so that a deep text does no harm here. Each value costs several objects.
    """
    aliases = documents = values = 0
    anchors: set[str] = set()
    # How many nodes each open collection has. The first, third and fifth node of a map are keys, and no values.
    open_nodes: list[tuple[bool, int]] = []
    for event in events:
        kind, line = type(event).__name__, event.start_mark.line + 1
        if kind != "AliasEvent" and (anchor := getattr(event, "anchor", None)):
            if anchor in anchors:
                raise SourceError(f"defines the anchor &{anchor[:64]} twice: give each anchor its own name", line)
            anchors.add(anchor)
        if kind in _NODE_EVENTS:
            is_key = False
            if open_nodes:
                in_map, count = open_nodes[-1]
                is_key = in_map and count % 2 == 0
                open_nodes[-1] = in_map, count + 1
            values += not is_key
            if values > MAX_SOURCE_VALUES:
                raise SourceError(f"contains more than {MAX_SOURCE_VALUES:,} values: shorten it", line)
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            open_nodes.append((kind == "MappingStartEvent", 0))
            if len(open_nodes) > MAX_SOURCE_DEPTH:
                raise SourceError(f"is nested too deeply: use at most {MAX_SOURCE_DEPTH} levels", line)
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            open_nodes.pop()
        elif kind == "AliasEvent":
            aliases += 1
            if aliases > MAX_ALIASES:
                raise SourceError(f"has more than {MAX_ALIASES} aliases: write the values out", line)
        elif kind == "DocumentStartEvent":
            documents += 1
            if documents > 1:
                raise SourceError("has more than one document: send one", line)


class _YamlReader:
    """Makes plain values of nodes. Aliases share nodes, so values are counted, and not nodes."""

    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self._count = 0

    def read(self, node: Any, path: Path) -> Any:
        self._count += 1
        line = node.start_mark.line + 1
        self.lines[path] = line
        if self._count > MAX_SOURCE_VALUES:
            raise SourceError(f"contains more than {MAX_SOURCE_VALUES:,} values: shorten it", line)
        if len(path) > MAX_SOURCE_DEPTH:
            raise SourceError(f"is nested too deeply: use at most {MAX_SOURCE_DEPTH} levels", line)
        kind = type(node).__name__
        if kind == "SequenceNode" and _kind_of(node) == "seq":
            return [self.read(part, (*path, at)) for at, part in enumerate(node.value)]
        if kind == "MappingNode" and _kind_of(node) == "map":
            return self._mapping(node, path)
        if kind == "ScalarNode":
            return _scalar(node, path)
        raise SourceError("has a tag: use plain YAML values", line, path)

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value == "<<" or _kind_of(key) == "merge":
                raise SourceError("has a merge key (<<): write the values out", line, path)
            if type(key).__name__ != "ScalarNode" or _kind_of(key) not in ("str", "timestamp"):
                raise SourceError("has a key that is not a text: put the key in quotes", line, path)
            name = str(key.value)
            if not _is_complete(name):
                raise SourceError(f"has a key that {_HALF_A_PAIR}", line, path)
            if name in found:
                raise SourceError("is there twice: remove one", line, (*path, name))
            found[name] = self.read(value, (*path, name))
            self.lines[*path, name] = line
        return found


def _kind_of(node: Any) -> str:
    return str(node.tag).removeprefix(_TAG)


def _scalar(node: Any, path: Path) -> Any:
    text, line, kind = str(node.value), node.start_mark.line + 1, _kind_of(node)
    # A date is a text in JSON, so it is a text here.
    if kind in ("str", "timestamp"):
        if not _is_complete(text):
            raise SourceError(_HALF_A_PAIR, line, path)
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("true", "yes", "on")
    if kind == "int" and len(text) > _MAX_DIGITS:
        raise SourceError("contains a number that is too long", line, path)
    try:
        if kind == "int":
            return int(text.replace("_", ""), 0) if text.lstrip("+-")[:2] in ("0x", "0o", "0b") else int(text)
        if kind == "float":
            return _finite(text)
    except SourceError as error:
        raise SourceError(error.problem, line, path) from None
    except ValueError:
        raise SourceError("is not a number: put a text in quotes", line, path) from None
    raise SourceError("has a tag: use plain YAML values", line, path)
