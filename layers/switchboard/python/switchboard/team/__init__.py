"""Who works in an organisation: members, their roles, and invites."""
