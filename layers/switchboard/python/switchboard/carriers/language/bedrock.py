"""Amazon Bedrock through its Converse API, which has one form for every model."""

from __future__ import annotations

from typing import Any

from switchboard.aws import session
from switchboard.carriers.language import Refused, Throttled

_TRANSIENT = frozenset(
    {
        "InternalServerException",
        "ModelNotReadyException",
        "ModelTimeoutException",
        "ServiceQuotaExceededException",
        "ServiceUnavailableException",
        "ThrottlingException",
    }
)


class Bedrock:
    """A language model of Bedrock, named by its model id or inference profile."""

    def __init__(self, model_id: str) -> None:
        self.name = f"bedrock:{model_id}"
        self._model_id = model_id

    def converse(self, system: str, question: str, *, max_tokens: int) -> str:
        """Return the model's answer, at temperature 0. Raises Throttled or Refused with the service's error code."""
        try:
            answer: Any = session.client("bedrock-runtime").converse(
                modelId=self._model_id,
                system=[{"text": system}],
                messages=[{"role": "user", "content": [{"text": question}]}],
                inferenceConfig={"maxTokens": max_tokens, "temperature": 0},
            )
        except session.ClientError as error:
            code = session.error_code(error)
            raise (Throttled(code) if code in _TRANSIENT else Refused(code)) from error
        except session.BotoCoreError as error:
            raise Throttled(type(error).__name__) from error
        return "".join(part.get("text", "") for part in answer["output"]["message"]["content"])
