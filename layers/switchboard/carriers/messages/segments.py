"""The segments of a text, as carriers count and bill them."""

from __future__ import annotations

from enum import StrEnum


class Encoding(StrEnum):
    """The encoding of a text on the air: seven bits a character, or sixteen."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"
