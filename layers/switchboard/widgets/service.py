"""Widget tokens: creates, changes and revokes them.

A revoked token stays in the list, and its public key never works again. A change of a token is
for later sessions: only a revocation ends the sessions that run.
"""

from __future__ import annotations

from typing import Any

from switchboard.accounts import organizations
from switchboard.aws.writes import Writes
from switchboard.errors import Invalid, NotFound
from switchboard.events import service as events
from switchboard.events.models import Origin, Subject
from switchboard.flows import service as flows
from switchboard.kit import clock, ids
from switchboard.outbound import destination
from switchboard.persistence.collection import next_version
from switchboard.persistence.idempotency import IdempotencyKey, commit_once
from switchboard.persistence.optimistic import Decision
from switchboard.timers import service as timers
from switchboard.widgets import captcha_keys, lead_forms, origins, store
from switchboard.widgets.jobs import EndTokenSessions
from switchboard.widgets.models import WidgetSettings, WidgetToken
from switchboard.widgets.session_store import find_leads

__all__ = ["find_leads"]

#: How many tokens an organization may have that are not revoked.
MAX_TOKENS = 50
_GAUGE = "widget_tokens"


def create_token(origin: Origin, wanted: WidgetSettings, effect: IdempotencyKey | None = None) -> WidgetToken:
    """Creates a token with a new public key. Raises Invalid, QuotaExceeded."""
    now, token_id = clock.now_iso(), ids.new_id("wgt")
    token = WidgetToken(
        **check_settings(origin.org_id, wanted).model_dump(),
        id=token_id,
        org_id=origin.org_id,
        sealed_captcha_secret=captcha_keys.seal_secret(
            origin.org_id, token_id, wanted.captcha_site_key, wanted.captcha_secret
        ),
        public_key=ids.new_id("whk"),
        created_at=now,
        updated_at=now,
    )
    done = commit_once(
        effect,
        token.id,
        organizations.one_more_write(
            origin.org_id,
            _GAUGE,
            MAX_TOKENS,
            things="widget tokens",
            advice="revoke a token",
            code="widget_token_limit",
        ),
        store.TOKENS.create_write(token),
        store.lookup_write(token),
        _event_write(origin, token, "widget_token.created", origins=len(token.allowed_origins)),
    )
    return get_token(origin.org_id, done.subject_id) if done else token


def check_settings(org_id: str, wanted: WidgetSettings) -> WidgetSettings:
    """Returns settings in their stored form. Raises Invalid."""
    lead_forms.check_fields(wanted.lead_fields)
    found = wanted.model_copy(
        update={
            "allowed_origins": origins.normalize_origins(wanted.allowed_origins),
            "privacy_url": _check_privacy_url(wanted.privacy_url),
        }
    )
    if wanted.default_flow_id is None:
        return found
    flow_id = flows.parse_flow_id(wanted.default_flow_id)
    try:
        flow = flows.get_flow(org_id, flow_id or "")
    except NotFound:
        raise flows.unknown_flow("default_flow_id") from None
    if flow.kind != "inbound":
        raise Invalid(
            "This flow places calls: choose a flow that answers them.",
            code="flow_kind",
            fields={"default_flow_id": "must be a flow of the kind inbound"},
        )
    return found.model_copy(update={"default_flow_id": flow_id})


def _check_privacy_url(url: str | None) -> str | None:
    try:
        return None if url is None else destination.check_url(url)
    except Invalid as error:
        problem = error.details["fields"]["url"]
        raise Invalid("The widget token is not valid: see the fields.", fields={"privacy_url": problem}) from None


def get_token(org_id: str, token_id: str) -> WidgetToken:
    """Returns a token of the organization. Raises NotFound."""
    token = store.TOKENS.get_object(org_id, token_id)
    if token is None:
        raise missing_token()
    return token


def missing_token() -> NotFound:
    """Returns the refusal of a token that the organization does not have."""
    return NotFound("There is no such widget token: check its id.")


def list_tokens(org_id: str) -> list[WidgetToken]:
    """Returns all tokens of the organization, the newest first."""
    return store.list_tokens(org_id)


def update_token(
    origin: Origin, token_id: str, changes: dict[str, Any], effect: IdempotencyKey | None = None
) -> WidgetToken:
    """Changes some settings of a token. Raises NotFound, Invalid, Contended."""

    def decide(before: WidgetToken) -> Decision[WidgetToken]:
        if before.revoked_at and changes.get("active"):
            raise Invalid(
                "This token is revoked, which cannot be undone: create a new token.",
                code="widget_token_revoked",
                fields={"active": "cannot be true after a revocation"},
            )
        settings = WidgetSettings.model_validate(before.model_dump() | changes)
        if "default_flow_id" not in changes:
            # A flow that was deleted later must not keep other settings from changing.
            checked = check_settings(before.org_id, settings.model_copy(update={"default_flow_id": None}))
            checked = checked.model_copy(update={"default_flow_id": before.default_flow_id})
        else:
            checked = check_settings(before.org_id, settings)
        sealed = captcha_keys.sealed_after(before, checked.captcha_site_key, changes)
        new = {name: value for name, value in checked.model_dump().items() if value != getattr(before, name)}
        changed = sorted([*new, *(["captcha_secret"] if sealed != before.sealed_captcha_secret else [])])
        if not changed:
            return None
        after = next_version(before, **{name: getattr(checked, name) for name in new}, sealed_captcha_secret=sealed)
        return after, _event_write(origin, after, "widget_token.updated", fields=changed)

    return store.TOKENS.change_object(origin.org_id, token_id, decide, effect) or get_token(origin.org_id, token_id)


def revoke_token(origin: Origin, token_id: str, effect: IdempotencyKey | None = None) -> WidgetToken:
    """Revokes a token: new sessions get 404 at once, and running ones end. Raises NotFound, Contended."""

    def decide(before: WidgetToken) -> Decision[WidgetToken]:
        if before.revoked_at:
            return None
        after = next_version(before, active=False, revoked_at=clock.now_iso())
        return after, [
            organizations.gauge_write(origin.org_id, _GAUGE, -1, None, None),
            timers.job_write(EndTokenSessions(org_id=after.org_id, token_id=after.id)),
            _event_write(origin, after, "widget_token.revoked"),
        ]

    return store.TOKENS.change_object(origin.org_id, token_id, decide, effect) or get_token(origin.org_id, token_id)


def _event_write(origin: Origin, token: WidgetToken, kind: str, **data: Any) -> Writes:
    return events.new_event_write(
        origin, kind, Subject(type="widget_token", id=token.id, version=token.version), **data
    )
