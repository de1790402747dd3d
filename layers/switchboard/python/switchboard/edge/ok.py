"""The answer of an operation that was carried out, with whatever else it tells."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class Ok(BaseModel):
    """It is done."""

    ok: Literal[True]


DONE = Ok(ok=True)
