"""Every regular expression of the layer and the functions, its uses, and texts that could make it slow."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import permutations
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

import functions
import switchboard
from switchboard.edge.fields import Pattern
from switchboard.roleplay.catalog.models import Criterion
from switchboard.roleplay.judges import signs
from tests import sources

#: The effect of each method of a pattern on a text.
METHODS: dict[str, Callable[[re.Pattern[Any], Any], object]] = {
    "search": lambda pattern, text: pattern.search(text),
    "match": lambda pattern, text: pattern.match(text),
    "fullmatch": lambda pattern, text: pattern.fullmatch(text),
    "finditer": lambda pattern, text: [None for _ in pattern.finditer(text)],
    "findall": lambda pattern, text: pattern.findall(text),
    "split": lambda pattern, text: pattern.split(text),
    "sub": lambda pattern, text: pattern.sub(text[:0], text),
    "subn": lambda pattern, text: pattern.subn(text[:0], text),
}
#: For a pattern in a list, or one that is passed on: its name does not show its uses.
UNKNOWN = frozenset({"search", "match", "finditer"})


@dataclass(frozen=True)
class Use:
    """A pattern, its place, and its called methods."""

    place: str
    pattern: re.Pattern[Any]
    methods: frozenset[str]
    #: The maximum of characters that it sees, if its caller bounds them.
    most: int | None = None


def list_modules() -> Iterator[ModuleType]:
    """Every module of the layer and the functions."""
    for package in (switchboard, functions):
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


def list_uses() -> list[Use]:
    """Every pattern that a module holds, alone or in its tables, and every one that is written into a call."""
    every = {module.__name__: module for module in list_modules()}
    trees = {name: ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")) for name, module in every.items()}
    called = {name: _calls(tree) for name, tree in trees.items()}
    found: dict[tuple[str, int, frozenset[str]], Use] = {}
    for module in every.values():
        for name, value in vars(module).items():
            for pattern in _patterns_in(value, set()):
                # A private name is used in its own module only, a public one in any module that imports it.
                near = [called[module.__name__]] if name.startswith("_") else called.values()
                methods = frozenset(method for calls in near for method in calls.get(name, ())) or UNKNOWN
                use = Use(f"{module.__name__}.{name}", pattern, methods)
                if "roleplay.catalog" in module.__name__:
                    use = replace(use, methods=frozenset({"search"}), most=signs.WINDOW)
                found.setdefault((repr(pattern.pattern), pattern.flags, use.methods), use)
    for name, tree in trees.items():
        for use in _written_into_calls(name, tree):
            found.setdefault((repr(use.pattern.pattern), use.pattern.flags, use.methods), use)
    return list(found.values())


def _calls(tree: ast.Module) -> dict[str, set[str]]:
    """The names whose pattern methods are called or passed on: `_NAME.search(…)`, `module.NAME.sub`."""
    found: dict[str, set[str]] = defaultdict(set)
    for node in sources.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in METHODS:
            if isinstance(node.value, ast.Name):
                found[node.value.id].add(node.attr)
            elif isinstance(node.value, ast.Attribute):
                found[node.value.attr].add(node.attr)
    return found


def _written_into_calls(module: str, tree: ast.Module) -> Iterator[Use]:
    """`re.search("…", text, re.IGNORECASE)` in a function: the pattern is compiled with each call."""
    for place, node in _walk_with_functions(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        written, method = node.args[0], node.func.attr
        of_re = isinstance(node.func.value, ast.Name) and node.func.value.id == "re" and method in METHODS
        if of_re and isinstance(written, ast.Constant) and isinstance(written.value, str | bytes):
            pattern: re.Pattern[Any] = re.compile(written.value, _flags(node))
            yield Use(f"{module}.{place}", pattern, frozenset({method}))


def _walk_with_functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yields each node of a module, with the name of the outermost function around it."""
    for node in tree.body:
        # The functions of a class are its members.
        for member in node.body if isinstance(node, ast.ClassDef) else [node]:
            name = member.name if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef) else ""
            yield from ((name, below) for below in sources.walk(member))


def _flags(call: ast.Call) -> re.RegexFlag:
    """The flags among a call's arguments."""
    flags = re.NOFLAG
    for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
        for part in ast.walk(argument):
            if isinstance(part, ast.Attribute) and part.attr in re.RegexFlag.__members__:
                flags |= re.RegexFlag[part.attr]
    return flags


def _patterns_in(value: object, seen: set[int]) -> Iterator[re.Pattern[Any]]:
    if id(value) in seen:
        return
    seen.add(id(value))
    inner: Iterable[object] = ()
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, Criterion):
        inner = [re.compile(sign, re.IGNORECASE) for sign in value.signs]  # as `roleplay.judges.signs` searches
    elif isinstance(value, Pattern):
        inner = [re.compile(value.pattern.removeprefix("^").removesuffix("$"), re.ASCII)]  # as it checks
    elif hasattr(value, "__metadata__"):
        inner = value.__metadata__
    elif isinstance(value, dict):
        inner = [*value, *value.values()]
    elif isinstance(value, list | tuple | set | frozenset):
        inner = list(value)
    elif is_dataclass(value) and not isinstance(value, type):
        inner = [getattr(value, field.name) for field in fields(value)]
    for one in inner:
        yield from _patterns_in(one, seen)


def words_of(pattern: re.Pattern[Any]) -> list[str]:
    """The words and characters that a pattern distinguishes: its literals, and an example of each of its classes."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    found: dict[str, None] = {}
    _walk(parser.parse(text, pattern.flags & ~re.UNICODE), found)
    return list(found)


_CATEGORIES = {
    codes.CATEGORY_SPACE: " \n\t",
    codes.CATEGORY_DIGIT: "7",
    codes.CATEGORY_WORD: "a_",
    codes.CATEGORY_NOT_SPACE: "a",
    codes.CATEGORY_NOT_DIGIT: "a",
    codes.CATEGORY_NOT_WORD: "!",
}


def _walk(tree: Any, found: dict[str, None]) -> None:
    """Collect the words of a parsed pattern: adjacent literals form one word."""
    word = ""
    for code, argument in tree:
        if code is codes.LITERAL:
            word += chr(argument)
            continue
        if word:
            found[word], found[word[0]] = None, None
            word = ""
        if code is codes.NOT_LITERAL:
            found[chr(argument)], found["a"] = None, None
        elif code is codes.ANY:
            found["a"] = None
        elif code is codes.IN:
            _walk_class(argument, found)
        elif code is codes.BRANCH:
            for branch in argument[1]:
                _walk(branch, found)
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            _walk(argument[2], found)
        elif code is codes.SUBPATTERN:
            _walk(argument[3], found)
        elif code in (codes.ASSERT, codes.ASSERT_NOT):
            _walk(argument[1], found)
        elif code is codes.ATOMIC_GROUP:
            _walk(argument, found)
    if word:
        found[word], found[word[0]] = None, None


def _walk_class(parts: Any, found: dict[str, None]) -> None:
    for code, argument in parts:
        if code is codes.NEGATE:
            found["a"] = None
        elif code is codes.LITERAL:
            found[chr(argument)] = None
        elif code is codes.RANGE:
            found[chr(argument[0])] = None
        elif code is codes.CATEGORY:
            found.update(dict.fromkeys(_CATEGORIES[argument]))


#: Hostile parts for any pattern: quotes in quotes, blanks, brackets, and a beginning of a word that never ends.
ALWAYS = ("a", " ", "\n", "\r\n", '"\\', '"', "<", "(", "[", "{", "a.", "a@", "=?a?q?", "; a=", "0")
#: An end that makes a match fail at the last character.
ENDS = ("", "!", "\x00")
#: How many words of a pattern are tried alone, and how many in pairs.
_ALONE, _PAIRED = 40, 7
#: The length of a pattern that lists phrases.
_MANY_WORDS = 900


def list_costly_texts(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str, str]]:
    """Families of texts: a prefix, a repeated part, a suffix."""
    words = words_of(pattern)
    if len(pattern.pattern) > _MANY_WORDS:
        # Each text takes long: a few of its words represent the rest, which have the same form.
        yield from (("", piece, "!") for piece in dict.fromkeys([*words[:6], *ALWAYS[:6]]))
        yield from (("", one + other, "!") for one, other in permutations(words[:3], 2))
        return
    pieces = list(dict.fromkeys([*words[:_ALONE], *ALWAYS]))
    heads = [word for word in words if len(word) > 1][:2] + [word for word in words if len(word) == 1][:2]
    for piece in pieces:
        for end in ENDS:
            yield "", piece, end
        for head in heads:
            yield head, piece, "!"
        if len(piece) > 1:
            yield "", f"{piece} ", "!"
    for one, other in permutations(words[:_PAIRED], 2):
        yield "", one + other, "!"


def make_text(family: tuple[str, str, str], size: int) -> str:
    """A text of about that many characters."""
    before, piece, behind = family
    return before + piece * (size // len(piece) + 1) + behind


def measure_seconds(use: Use, method: str, text: str, *, best_of: int = 1) -> float:
    """The best time of a method for a text, in seconds of processor time, so that other processes do not count."""
    given: Any = text.encode("latin-1", "replace") if isinstance(use.pattern.pattern, bytes) else text
    times = []
    for _ in range(best_of):
        began = time.thread_time()
        METHODS[method](use.pattern, given)
        times.append(time.thread_time() - began)
    return min(times)
