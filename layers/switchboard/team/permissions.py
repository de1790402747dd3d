"""The permissions of each role, in one table. Requests are checked by it, and the API documents show it."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A member's role, the most powerful first."""

    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"


class Permission(StrEnum):
    """A permission of a member."""

    ORGANIZATION_READ = "organization.read"
    ORGANIZATION_WRITE = "organization.write"
    TEAM_READ = "team.read"
    TEAM_WRITE = "team.write"
    CONTACTS_READ = "contacts.read"
    CONTACTS_WRITE = "contacts.write"
    BLOCKLIST_READ = "blocklist.read"
    BLOCKLIST_WRITE = "blocklist.write"
    CALLS_READ = "calls.read"
    CALLS_WRITE = "calls.write"
    CALLS_PLACE = "calls.place"
    FLOWS_READ = "flows.read"
    FLOWS_WRITE = "flows.write"
    NUMBERS_READ = "numbers.read"
    NUMBERS_WRITE = "numbers.write"
    #: To spend money on numbers.
    NUMBERS_BUY = "numbers.buy"
    VOICEMAILS_READ = "voicemails.read"
    VOICEMAILS_WRITE = "voicemails.write"
    ANALYTICS_READ = "analytics.read"
    TEXTS_READ = "texts.read"
    #: To change conversations: assignee, status, metadata.
    TEXTS_WRITE = "texts.write"
    #: To send and schedule texts.
    TEXTS_SEND = "texts.send"
    CAMPAIGNS_READ = "campaigns.read"
    #: To create, launch and cancel campaigns.
    CAMPAIGNS_WRITE = "campaigns.write"
    OPT_OUTS_READ = "opt_outs.read"
    OPT_OUTS_WRITE = "opt_outs.write"
    #: To watch all events of the organization.
    EVENTS_READ = "events.read"
    WEBHOOKS_READ = "webhooks.read"
    WEBHOOKS_WRITE = "webhooks.write"
    TRIGGERS_READ = "triggers.read"
    TRIGGERS_WRITE = "triggers.write"
    BRANDS_READ = "brands.read"
    BRANDS_WRITE = "brands.write"
    MCP_SERVERS_READ = "mcp_servers.read"
    MCP_SERVERS_WRITE = "mcp_servers.write"
    #: To let a tool of an MCP server run, or to refuse it.
    MCP_TOOLS_APPROVE = "mcp_tools.approve"
    BILLING_READ = "billing.read"
    #: To change the plan and the details of payment.
    BILLING_WRITE = "billing.write"
    WIDGETS_READ = "widgets.read"
    WIDGETS_WRITE = "widgets.write"


_VIEWER = frozenset(
    {
        Permission.ORGANIZATION_READ,
        Permission.TEAM_READ,
        Permission.CONTACTS_READ,
        Permission.BLOCKLIST_READ,
        Permission.CALLS_READ,
        Permission.FLOWS_READ,
        Permission.NUMBERS_READ,
        Permission.VOICEMAILS_READ,
        Permission.ANALYTICS_READ,
        Permission.TEXTS_READ,
        Permission.CAMPAIGNS_READ,
        Permission.OPT_OUTS_READ,
    }
)
_OPERATOR = _VIEWER | {
    Permission.CONTACTS_WRITE,
    Permission.BLOCKLIST_WRITE,
    Permission.CALLS_WRITE,
    Permission.CALLS_PLACE,
    Permission.FLOWS_WRITE,
    Permission.NUMBERS_WRITE,
    Permission.VOICEMAILS_WRITE,
    Permission.TEXTS_WRITE,
    Permission.TEXTS_SEND,
    Permission.CAMPAIGNS_WRITE,
    Permission.OPT_OUTS_WRITE,
    Permission.EVENTS_READ,
    Permission.WEBHOOKS_READ,
    Permission.TRIGGERS_READ,
    Permission.BRANDS_READ,
    Permission.MCP_SERVERS_READ,
    Permission.MCP_TOOLS_APPROVE,
    Permission.BILLING_READ,
}

#: The permissions by role. An admin has every permission, including future ones.
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.OPERATOR: _OPERATOR,
    Role.VIEWER: _VIEWER,
}


def roles_with(permission: Permission) -> list[Role]:
    """Returns the roles that have a permission, the most powerful first."""
    return [role for role in Role if permission in PERMISSIONS[role]]
