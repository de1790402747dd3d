"""Look-ups of credentials that strangers send, at the groups with few environments.

A request without a valid credential counts by its address, after its look-up has failed. Once an address is over its
limit, most of its unknown credentials are refused without a look-up, so a flood of them costs next to nothing.

Many customers may share an address, for example that of a service that sends webhooks. So a credential that this
process has found valid lately is always looked up, and so are a few unknown ones in each second.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from switchboard.edge import rate_limit
from switchboard.edge.exchange import Exchange
from switchboard.kit import clock, texts

_MAX_KNOWN = 5_000
_KNOWN_SECONDS = 900
#: The look-ups of unknown credentials that a process makes in a second for all addresses that are over their limits.
SPARE_LOOK_UPS = 5


class _Memory:
    """The credentials that a process has found valid lately, by their digests, and the spare look-ups of a second."""

    def __init__(self) -> None:
        self._valid_until: OrderedDict[str, float] = OrderedDict()
        self._second, self._spare = 0, SPARE_LOOK_UPS
        self._lock = Lock()

    def remember_valid(self, digest: str) -> None:
        with self._lock:
            self._valid_until[digest] = clock.epoch() + _KNOWN_SECONDS
            self._valid_until.move_to_end(digest)
            if len(self._valid_until) > _MAX_KNOWN:
                self._valid_until.popitem(last=False)

    def may_look_up(self, digest: str) -> bool:
        """Whether a credential of an address that is over its limit is looked up."""
        with self._lock:
            if self._valid_until.get(digest, 0) > clock.epoch():
                return True
            second = int(clock.epoch())
            if second != self._second:
                self._second, self._spare = second, SPARE_LOOK_UPS
            self._spare -= 1
            return self._spare >= 0


_memory = _Memory()


@contextmanager
def guarding_look_up(exchange: Exchange, credential: str) -> Iterator[None]:
    """Guards the look-up of a credential, which raises for an unknown one.

    Raises RateLimited instead of the look-up, if the address is over the limit of strangers.
    """
    digest, limits = texts.digest(credential), rate_limit.find_stranger_refusal(exchange.request.source_ip)
    if limits and not _memory.may_look_up(digest):
        exchange.limits = limits
        rate_limit.require_allowed(limits)
    yield
    _memory.remember_valid(digest)
