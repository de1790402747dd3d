"""What may become of something that was handed to a provider, other than that it was taken."""

from __future__ import annotations


class Refused(Exception):
    """The provider will never do this."""


class Throttled(Exception):
    """The provider took nothing and asks to come back later."""


class OutcomeUnknown(Exception):
    """The provider may or may not have taken it: it must not be handed over again."""
