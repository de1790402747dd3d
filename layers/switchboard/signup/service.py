"""Sign-up."""

from __future__ import annotations

from typing import NamedTuple

from switchboard.accounts import keys, organizations, slugs
from switchboard.accounts.models import KeyKind, Organization
from switchboard.accounts.plans import PlanName
from switchboard.agents import service as agents
from switchboard.agents.models import Agent
from switchboard.email import service as email
from switchboard.events.models import Actor, SystemActor
from switchboard.persistence.idempotency import IdempotencyKey, commit_once
from switchboard.persistence.optimistic import retry_on_conflict
from switchboard.team import invite_mail, invites
from switchboard.team.permissions import Role

_WELCOME_MAIL = """\
Hello,

{address} is now your agent. It can send and receive mail and place calls. The audit trail records everything it does.

To become the admin of its console, open this link until {day} (UTC) and sign in with this address:

{console}

Your organization is {org_id}. Its keys were shown once, at the sign-up. With the master key you can revoke and replace
them. If you did not ask for this, write to us and we will delete it.
"""


class SignUpResult(NamedTuple):
    """The result of a sign-up. The texts of the keys are returned only here."""

    organization: Organization
    agent: Agent
    agent_key: str
    master_key: str


def sign_up(
    human_email: str,
    username: str,
    name: str | None,
    correlation_id: str,
    effect: IdempotencyKey | None,
) -> SignUpResult:
    """Creates an organization with an agent, its inbox and two keys, and sends a mail to the human.

    A stranger may sign up with any address. So the response does not reveal whether that address accepts our mail.

    Raises Conflict if the human already has an organization or the username is taken, Invalid for a reserved username,
    RateLimited for a mailbox that got ten such mails today.
    """
    signed_up = retry_on_conflict(lambda: _sign_up(human_email, username, name, correlation_id, effect))
    assert signed_up is not None, "nothing here is recorded before"
    return signed_up


def _sign_up(
    human_email: str, username: str, name: str | None, correlation_id: str, effect: IdempotencyKey | None
) -> SignUpResult:
    slug = slugs.free_slug(username)
    org = organizations.new_organization(name or username, slug, PlanName.FREE, human_email)
    work = SystemActor(
        org_id=org.id, actor=Actor(type="system", id="sign-up"), agent_id=None, correlation_id=correlation_id
    )
    master, master_writes = keys.key_writes(
        work, KeyKind.MASTER, "master key", seed=effect.derive_seed("master") if effect else None
    )
    made, agent_writes = agents.agent_writes(
        work, org, username, name or username, {}, effect.derive_seed("agent") if effect else None
    )
    work = work.model_copy(update={"agent_id": made.agent.id})
    invite, invite_writes = invites.invite_writes(work, org, "Switchboard", human_email, Role.ADMIN, is_first=True)
    welcome = email.system_mail_writes(
        work,
        made.agent.id,
        human_email,
        f"{made.agent.address} is ready",
        _WELCOME_MAIL.format(
            address=made.agent.address,
            org_id=org.id,
            console=invite_mail.invite_link(invite),
            day=invite.expires_at[:10],
        ),
    )
    done = commit_once(
        effect,
        f"{org.id}/{made.agent.id}",
        organizations.organization_writes(work, org, is_slug_derived=True),
        master_writes,
        agent_writes,
        invite_writes,
        welcome,
        # A stranger may sign up with any address. `ada+1@…` to `ada+99@…` have different owners but one mailbox.
        invite_mail.mailbox_count_write(human_email),
    )
    if done:
        assert effect is not None
        org_id, _, agent_id = done.subject_id.partition("/")
        return SignUpResult(
            organizations.get_organization(org_id),
            agents.get_agent(org_id, agent_id),
            keys.key_text(KeyKind.AGENT, effect.derive_seed("agent", done.salt)),
            keys.key_text(KeyKind.MASTER, effect.derive_seed("master", done.salt)),
        )
    return SignUpResult(org, made.agent, made.key_text, master.text)
