"""The response `{"ok": true}`. Other response models extend it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class Ok(BaseModel):
    """The operation succeeded."""

    ok: Literal[True]


DONE = Ok(ok=True)
