"""Bedrock's client, with the answers that a test says."""

from __future__ import annotations

import json
from typing import Any


class BedrockRuntime:
    """Returns the outcomes in order: a text, JSON, or an error."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[dict[str, Any]] = []

    def converse(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        text = outcome if isinstance(outcome, str) else json.dumps(outcome)
        return {"output": {"message": {"content": [{"text": text}]}}}
