"""The English of docstrings, comments and messages (`tests.language`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import language


@pytest.mark.parametrize("place", language.PLACES)
def test_texts_are_plain_english(place: str) -> None:
    found = [str(finding) for path in language.files(place) for finding in language.findings(path)]
    assert not found, "Rewrite these as CONTRIBUTING.md says, under Words:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('"""What another request has got meanwhile, this one is not refused."""', "begin with the subject"),
        ('"""Returns nothing. Whoever asks again gets the same answer as before."""', "begin with the subject"),
        ("# Whose key it is does not matter here at all.", "begin with the subject"),
        ('x = "The value is no moment with a zone."', "is not a valid time"),
        ('"""Make the list of the callers anew."""', "again"),
        ('"""The organisation of the caller, if known."""', "organization"),
        ('"""Authorise the caller before the call."""', "-ize"),
        ('"""The caller\'s organisation."""', "organization"),
        ('"""What it does."""', "begin with the subject"),
        ('class Key:\n    def open(self) -> None:\n        """Opens anew."""', "again"),
        (f'"""{"word " * 41}."""', "more than 40 words"),
    ],
)
def test_each_rule_can_fail(tmp_path: Path, text: str, rule: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(text + "\n")
    assert any(rule in finding.rule for finding in language.findings(path))


@pytest.mark.parametrize(
    "text",
    [
        '"""Return the caller\'s organization. Raises NotFound."""',
        'x = "What do you want to do now?"',
        '"""The `organisation` of an old item is read as it is."""',
        "x = 1  # a comment that says why",
        'x = "anew organisation"',
        'x = 1\n"anew"',
    ],
)
def test_plain_texts_pass(tmp_path: Path, text: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(text + "\n")
    assert not list(language.findings(path))


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("Returns the call.", True),
        ("Whether the call is over.", True),
        ("The call's state.", True),
        ("`value` as JSON.", True),
        ("Return the call.", False),
        ("Process the calls of a page.", False),
    ],
)
def test_a_docstring_states_what_its_function_does(tmp_path: Path, text: str, passes: bool) -> None:
    for folder in (*language.DECLARATIVE, "infra"):
        path = tmp_path / folder / "module.py"
        path.parent.mkdir()
        path.write_text(f'def function() -> None:\n    """{text}"""\n')
        found = [finding for finding in language.findings(path, tmp_path) if "what the function does" in finding.rule]
        assert [finding.line for finding in found] == ([] if passes or folder == "infra" else [2])
