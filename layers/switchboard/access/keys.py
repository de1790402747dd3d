"""Authentication by API key.

The process caches a valid key for KEY_CACHE_SECONDS (15 by default). So a revocation, an expiry set by rotation, or a
change of plan takes effect after at most this time. Unknown and refused keys are never cached.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from switchboard.accounts import credentials, keys, organizations
from switchboard.accounts.models import ApiKey, Caller, KeyKind, Organization
from switchboard.agents import service as agents
from switchboard.agents.models import Agent
from switchboard.aws import reads
from switchboard.errors import Forbidden, Unauthenticated
from switchboard.kit import clock, settings, texts
from switchboard.persistence.idempotency import IdempotencyKey

_CACHE_SIZE = 2_000
_USE_RECORDED_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """A key as it was read, with its organization and its agent."""

    key: ApiKey
    organization: Organization
    agent: Agent | None

    @property
    def bucket(self) -> str:
        """The name of the rate limit's bucket: all keys of an organization share one."""
        return self.organization.id

    @property
    def idempotency_scope(self) -> str:
        """The actor. An Idempotency-Key is unique within it.

        All keys of an agent are one actor. All master and service keys of an organization are one actor.
        """
        return f"{self.organization.id}#agent#{self.agent.id}" if self.agent else self.organization.id


@dataclass(frozen=True, slots=True)
class _CacheEntry:
    until: float
    snapshot: KeyIdentity


_cache: dict[str, _CacheEntry] = {}


def authenticate_key(text: str, kinds: frozenset[KeyKind], source_ip: str = "") -> KeyIdentity:
    """Returns the key with its organization and its agent. Raises Unauthenticated with a `code`, or Forbidden."""
    digest = texts.digest(text)
    snapshot = _read_cache(digest)
    # A cached key is well-formed: its checksum was right when it was read.
    kind = snapshot.key.kind if snapshot else credentials.kind_of(text)
    if kind is None or kind not in kinds:
        prefixes = " or ".join(sorted(kinds - {KeyKind.SERVICE}) or sorted(kinds))
        if kind is None:
            message = f"The API key is malformed: send the whole key. Keys of this API begin with {prefixes}."
        else:
            message = f"This is a key of {kind.api}: this API takes keys that begin with {prefixes}."
        raise Unauthenticated(message, code="malformed")
    snapshot = snapshot or _look_up(digest, source_ip)
    _require_active(snapshot, source_ip)
    return snapshot


def caller_of(snapshot: KeyIdentity, correlation_id: str, effect: IdempotencyKey | None = None) -> Caller:
    """Returns the caller of an authenticated request."""
    agent = snapshot.agent
    return Caller(
        organization=snapshot.organization,
        key=snapshot.key,
        agent_id=agent.id if agent else None,
        agent_address=agent.address if agent else None,
        agent_name=agent.name if agent else None,
        agent_phone=agent.phone_number if agent else None,
        correlation_id=correlation_id,
        effect=effect,
    )


def _read_cache(digest: str) -> KeyIdentity | None:
    entry = _cache.get(digest)
    return entry.snapshot if entry and entry.until > clock.epoch() else None


def _look_up(digest: str, source_ip: str) -> KeyIdentity:
    snapshot = _find(digest)
    if not snapshot:
        raise Unauthenticated("The API key is unknown: check that it is the right key.", code="unknown")
    _require_active(snapshot, source_ip)
    seconds = settings.number("KEY_CACHE_SECONDS", 15)
    if len(_cache) >= _CACHE_SIZE:
        _cache.clear()
    _cache[digest] = _CacheEntry(clock.epoch() + seconds, snapshot)
    used = snapshot.key.last_used_at
    if not used or clock.parse(used) < clock.now() - _USE_RECORDED_EVERY:
        keys.record_key_use(snapshot.key)
    return snapshot


def _find(digest: str) -> KeyIdentity | None:
    # Two dependent reads: the pointer, then the items that it names.
    pointer = keys.find_key_pointer(digest)
    if not pointer:
        return None
    org_id, agent_id = pointer.org_id, pointer.agent_id
    org, key, agent = reads.read_refs(
        organizations.organization_ref(org_id),
        keys.key_ref(org_id, pointer.key_id),
        agents.agent_ref(org_id, agent_id) if agent_id else None,
    )
    if not org or not key or (agent_id and not agent):
        return None
    return KeyIdentity(key=key, organization=org, agent=agent)


def _require_active(snapshot: KeyIdentity, source_ip: str) -> None:
    key = snapshot.key
    if key.revoked_at:
        raise Unauthenticated("The API key is revoked: use another key.", code="revoked")
    if key.expires_at and key.expires_at <= clock.now_iso():
        raise Unauthenticated("The API key has expired: use another key.", code="expired")
    if not key.restrictions.admits_address(source_ip):
        raise Forbidden(
            "This key may not be used from this IP address: call from an allowed address, or use another key.",
            code="ip_not_allowed",
        )
    if snapshot.organization.status != "active":
        raise Forbidden("The organization is not active: contact support.", code="organization_inactive")
    if snapshot.agent and snapshot.agent.status != "active":
        raise Forbidden("The agent is not active: use a key of another agent.", code="agent_inactive")


def clear_cache() -> None:
    """Clears the cache, for tests."""
    _cache.clear()
