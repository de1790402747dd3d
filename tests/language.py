"""Checks the English of docstrings, comments and messages: `python -m tests.language [PATH…]` lists what to rewrite."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests import sources

ROOT = Path(__file__).resolve().parents[1]
#: Where the rules hold for every docstring, comment and message.
PLACES = ("layers", "functions", "infra", "tests", "README.md", "CONTRIBUTING.md", "SECURITY.md", "docs")
#: Files of words that people say or write elsewhere: a script of a practice call, phrases that a caller may use,
#: published criteria, which never change.
QUOTED = frozenset(
    {
        "opt_out_english.py",
        "opt_out_spanish.py",
        "wish_phrases.py",
        "script.py",
        "personas.py",
        "criteria.py",
        "voices.py",
        "language.py",
        "model.py",  # the prompt of a judge: a change of its words may change scores
        "test_language.py",
    }
)
LONGEST_SENTENCE_WORDS = 40

#: A statement that begins with one of these has a clause for its subject. A question may.
OPENINGS = re.compile(r"(?:what|whatever|whoever|whose|whosever|of which|of whom|whichever|who)\b", re.IGNORECASE)

#: A word or phrase that a reader may not know, with what to write instead.
WORDS = {
    r"anew": "again",
    r"in vain": "without effect",
    r"lest": "so that … not",
    r"theirs": "the noun",
    r"on the way": "say where: in the queue, before the commit",
    r"whoever|whosoever|whomever": "name the person or program",
    r"whatever": "any, every, or the noun",
    r"see to it": "ensure",
    r"(?:tell|tells|told|telling) of": "report, notify",
    r"(?:come|comes|came|gone|go|goes) by": "arrive, pass",
    r"come to pass": "happen",
    r"the very": "the same",
    r"thereof|therein|thereby|wherein|whereby|whereupon|hereby|herein|henceforth|hence": "a plain clause",
    r"naught|nought|ere|betimes|forthwith": "a modern word",
    r"nobody's business": "a plain clause",
    r"whilst|amongst": "while, among",
    r"is no moment": "is not a valid time",
    r"answers (?:with )?(?:what|whether|how|all)": "returns",
}
#: British spellings of words that the project uses, with the American one.
SPELLINGS = {
    r"organisation": "organization",
    r"behaviour": "behavior",
    r"colour": "color",
    r"catalogue": "catalog",
    r"diall(?:ed|er|ing)": "dialed, dialer, dialing",
    r"cancell(?:ed|ing)": "canceled, canceling (`cancelled` in code style where a contract says so)",
    r"honour": "honor",
    r"favour": "favor",
    r"neighbour": "neighbor",
    r"centre": "center",
    r"licen[c]e": "license",
    r"defence": "defense",
    r"judgement": "judgment",
    r"labell(?:ed|ing)": "labeled, labeling",
    r"signall(?:ed|ing)": "signaled, signaling",
    r"travell(?:ed|ing)": "traveled, traveling",
    r"analys(?:e|ed|es|ing)": "analyze",
    r"(?:un)?(?:author|recogn|normal|serial|initial|summar|minim|maxim|synchron|general|special|categor|custom|"
    r"optim|organ|real|final|anonym|capital|token|util|emphas|prior|standard|local|synthes|apolog|canonical)"
    r"is(?:e|ed|es|ing|ation|er)\b": "-ize",
}
_BANNED = [(re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), better) for pattern, better in WORDS.items()]
_BRITISH = [(re.compile(rf"\b(?:{pattern})", re.IGNORECASE), better) for pattern, better in SPELLINGS.items()]
#: Most texts have none of them, and one search shows that.
_SUSPECT = re.compile(rf"\b(?:{'|'.join([*WORDS, *SPELLINGS])})", re.IGNORECASE)
_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"(])|\n\s*\n|\n\s*[-*]\s|\n(?=\s*\|)")
_CODE = re.compile(r"`[^`]*`")
#: A text without such a word is data, for example a list of area codes.
_WORD = re.compile(r"\b[a-z]+\b")


#: Where the docstring of a function states what it does: "Returns the call", and not "Return the call".
DECLARATIVE = ("layers", "functions")
#: Words that may begin a docstring of a function instead of a verb.
_NO_VERBS = frozenset({"the", "a", "an", "whether", "all", "each", "every", "how", "why", "when", "where", "like"})
_FIRST_WORD = re.compile(r"[A-Z][a-z]+(?=[\s.,:;])")


class Finding(NamedTuple):
    """A place whose words break a rule."""

    path: Path
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.text[:110]!r}"


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every text of a file with its line: of Python the docstrings, the comments, and strings of four words or more."""
    source = path.read_text()
    if path.suffix == ".md":
        yield from _paragraphs(source)
        return
    docstrings = set[ast.AST]()
    # A node comes before the nodes below it, so a docstring is known before it comes.
    for node in sources.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str()) as text), *_]:
                    docstrings.add(text)
        # A short string is data. A short docstring is a text.
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and (node in docstrings or len(node.value.split()) > 3)
        ):
            yield node.lineno, node.value
    yield from _comments(source)


def _paragraphs(source: str) -> Iterator[tuple[int, str]]:
    line = 1
    for index, block in enumerate(re.split(r"^```.*$", source, flags=re.MULTILINE)):
        if index % 2 == 0:
            at = line
            for paragraph in re.split(r"\n\s*\n", block):
                yield at, paragraph
                at += paragraph.count("\n") + 2
        line += block.count("\n")


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """Comments, with those of consecutive lines as one text."""
    start, last, words = 0, -1, ""
    for line, comment in sources.list_comments(source):
        text = comment.lstrip("#: ")
        if line == last + 1:
            words += " " + text
        else:
            if words:
                yield start, words
            start, words = line, text
        last = line
    if words:
        yield start, words


def findings(path: Path, root: Path = ROOT) -> Iterator[Finding]:
    """What to rewrite in one file."""
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    if path.suffix == ".py" and shown.parts[0] in DECLARATIVE:
        for line, text in _commands(path.read_text()):
            yield Finding(shown, line, "begin with what the function does: returns, stores, sends", text)
    for line, text in texts(path):
        plain = _CODE.sub("`…`", text)
        for pattern, better in (*_BANNED, *_BRITISH) if _SUSPECT.search(plain) else ():
            if found := pattern.search(plain):
                yield Finding(shown, line, f"write {better!r} instead of {found[0]!r}", text)
        for sentence in _SENTENCES.split(plain):
            words = sentence.strip(" \n#>*-|")
            if (
                OPENINGS.match(words)
                and not words.endswith("?")
                and (
                    # A heading and a label have no period.
                    len(words.split()) > 3 or words.endswith(".")
                )
            ):
                yield Finding(shown, line, "begin with the subject", words)
            if len(words.split()) > LONGEST_SENTENCE_WORDS and "|" not in words and _WORD.search(words):
                yield Finding(shown, line, f"more than {LONGEST_SENTENCE_WORDS} words in a sentence", words)


def _is_command(decorator: ast.expr) -> bool:
    """Whether a decorator makes a command of the command line: `@click.command(…)`, `@org_command.command(…)`."""
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr in ("command", "group")
    )


def _commands(source: str) -> Iterator[tuple[int, str]]:
    """The docstrings of functions that do not begin with a verb in the third person, each with its line."""
    for node in sources.walk(ast.parse(source)):
        # The docstring of a command is its help, which tells the person what to do: "Create a key".
        if isinstance(node, ast.FunctionDef) and any(map(_is_command, node.decorator_list)):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (text := ast.get_docstring(node)):
            first = _FIRST_WORD.match(text)
            if first and first[0].lower() not in _NO_VERBS and not re.search(r"[^s]s$", first[0]):
                yield node.body[0].lineno, text


def files(*places: str) -> Iterator[Path]:
    """The files that the rules hold for, below the places."""
    for place in places or PLACES:
        path = ROOT / place
        found = [path] if path.is_file() else sorted([*path.rglob("*.py"), *path.rglob("*.md")])
        yield from (each for each in found if each.name not in QUOTED)


if __name__ == "__main__":
    found = [finding for path in files(*sys.argv[1:]) for finding in findings(path)]
    print(*found, sep="\n")
    sys.exit(f"{len(found)} to rewrite" if found else 0)
