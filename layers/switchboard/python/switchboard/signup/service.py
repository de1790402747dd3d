"""Sign-up."""

from __future__ import annotations

from typing import NamedTuple

from switchboard.accounts import service as accounts
from switchboard.accounts.models import KeyKind, Organisation
from switchboard.accounts.plans import PlanName
from switchboard.agents import service as agents
from switchboard.agents.models import Agent
from switchboard.aws.effect import Effect, commit_once
from switchboard.email import service as email
from switchboard.events.models import Actor, Work
from switchboard.team import invites, mailing
from switchboard.team.permissions import Role

_WELCOME = """\
Hello,

{address} is now an agent of yours. It can send and receive mail, place calls, and leave an audit trail of all it does.

To be the admin of its console, open this link until {day} (UTC) and sign in with this address:

{console}

Your organisation is {org_id}. The keys were shown once, to whoever signed up; you can revoke and replace them with the
master key. If it was not you who asked for this, write to us and we will take it down.
"""


class SignedUp(NamedTuple):
    """What a sign-up made. The keys' texts exist only here."""

    organisation: Organisation
    agent: Agent
    agent_key: str
    master_key: str


def sign_up(
    human_email: str,
    username: str,
    name: str | None,
    correlation_id: str,
    effect: Effect | None,
) -> SignedUp:
    """Open an organisation with an agent, its inbox and two keys, and write to the human.

    Whoever signs up may name anybody: nothing here tells whether that mailbox still gets mail of ours.

    Raises Conflict when the human has an organisation or the username is taken, Invalid for a reserved username,
    RateLimited for a mailbox that got ten mails of the kind today.
    """
    org = accounts.new_organisation(name or username, username, PlanName.FREE, human_email)
    work = Work(org_id=org.id, actor=Actor(type="system", id="sign-up"), agent_id=None, correlation_id=correlation_id)
    master, master_writes = accounts.new_key(
        work, KeyKind.MASTER, "master key", seed=effect.seed("master") if effect else None
    )
    made, agent_writes = agents.new(work, org, username, name or username, {}, effect.seed("agent") if effect else None)
    work = work.model_copy(update={"agent_id": made.agent.id})
    invite, invite_writes = invites.invite_writes(work, org, "Switchboard", human_email, Role.ADMIN, is_first=True)
    welcome = email.system_mail(
        work,
        made.agent.id,
        human_email,
        f"{made.agent.address} is ready",
        _WELCOME.format(
            address=made.agent.address, org_id=org.id, console=mailing.link(invite), day=invite.expires_at[:10]
        ),
    )
    done = commit_once(
        effect,
        f"{org.id}/{made.agent.id}",
        accounts.opening(work, org),
        master_writes,
        agent_writes,
        invite_writes,
        welcome,
        # A stranger names any address, and `ada+1@…` to `ada+99@…` are people of their own with one mailbox.
        mailing.counting_for_mailbox(human_email),
    )
    if done:
        assert effect is not None
        org_id, _, agent_id = done.subject_id.partition("/")
        return SignedUp(
            accounts.organisation(org_id),
            agents.get(org_id, agent_id),
            accounts.key_text(KeyKind.AGENT, effect.seed("agent", done.salt)),
            accounts.key_text(KeyKind.MASTER, effect.seed("master", done.salt)),
        )
    return SignedUp(org, made.agent, made.key_text, master.text)
