"""Reads TwiML as Twilio does, for the simulated callers."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree


def read_verbs(xml: str) -> list[dict[str, Any]]:
    """Returns the verbs of a document: name, text, attributes, and nouns. Raises ValueError if it is not TwiML."""
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314 our own document
    except ElementTree.ParseError as error:
        raise ValueError("the answer is not XML") from error
    if root.tag != "Response":
        raise ValueError("the answer is not TwiML")
    return [_read(element) for element in root]


def _read(element: ElementTree.Element) -> dict[str, Any]:
    return {
        "verb": element.tag,
        "text": (element.text or "").strip(),
        **dict(element.attrib),
        "nouns": [_read(noun) for noun in element],
    }
