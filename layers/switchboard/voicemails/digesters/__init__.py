"""The makers of digests of voicemails: a language model, or rules without a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from switchboard.carriers.language import RefusedError, ThrottledError
from switchboard.kit import settings
from switchboard.voicemails.digesters.models import DigestTexts

__all__ = ["PROMPT_VERSION", "RULES", "Digester", "RefusedError", "ThrottledError", "choose_digester"]

#: The name of the maker that needs no model.
RULES = "rules"
#: The version of the instructions for models and of the rules. It is stored with each digest.
PROMPT_VERSION = 1


class Digester(Protocol):
    """Makes digests of voicemails."""

    @property
    def name(self) -> str:
        """The maker's name. It is stored with the digest."""

    def digest(self, transcript: str, caller: str) -> DigestTexts:
        """Returns the digest of a transcript. `caller` is the number of the caller, or a word such as `anonymous`.

        Raises ThrottledError if a later attempt may succeed, else RefusedError.
        """


def _by_bedrock() -> Digester:
    from switchboard.carriers.language.bedrock import Bedrock  # for cold start: one worker needs it
    from switchboard.voicemails.digesters.model import ModelDigester  # for cold start, as above

    return ModelDigester(Bedrock(settings.text("BEDROCK_MODEL")))


def _by_rules() -> Digester:
    from switchboard.voicemails.digesters.rules import RuleDigester  # for cold start, as above

    return RuleDigester()


_DIGESTERS: dict[str, Callable[[], Digester]] = {"bedrock": _by_bedrock, RULES: _by_rules}


def choose_digester(*, modeled: bool) -> Digester:
    """Returns the maker of the setting LANGUAGE_MODEL: `bedrock`, or `rules` (the default).

    Without `modeled` it is always `rules`, which costs nothing and gives equal transcripts equal digests.
    """
    return _DIGESTERS[settings.text("LANGUAGE_MODEL", RULES) if modeled else RULES]()
