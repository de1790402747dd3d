"""Answers of a language model that are data: one JSON value of a requested shape.

The model is not trusted: `read` refuses an answer of any other shape, and the model is asked again. The words of
strangers go to the model as JSON beside the instructions, and never inside them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from switchboard import telemetry
from switchboard.carriers.language import LanguageModel, RefusedError
from switchboard.errors import Invalid

#: The number of attempts to get a valid answer.
ATTEMPTS = 3
T = TypeVar("T")


def ask_for_data(
    model: LanguageModel,
    system: str,
    question: dict[str, Any],
    read: Callable[[str], T],
    *,
    max_tokens: int,
    attempts: int = ATTEMPTS,
) -> T:
    """Returns the model's answer as `read` returns it. `read` raises Invalid or ValueError for an unusable answer.

    Raises ThrottledError, or RefusedError after `attempts` unusable answers.
    """
    asked, why = json.dumps(question, ensure_ascii=False), ""
    for _ in range(attempts):
        text = model.ask_model(system, asked, max_tokens=max_tokens)
        try:
            return read(text)
        except Invalid as error:
            why = error.message
        except ValueError as error:
            # A validation error of pydantic would quote the answer.
            why = "it has another shape" if isinstance(error, ValidationError) else str(error)
        telemetry.emit_metric("LanguageModelAnswerUnusable")
    raise RefusedError(f"the model gave no valid answer: {why}")
