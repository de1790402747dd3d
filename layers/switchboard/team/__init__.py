"""The people of an organization: members, their roles, and invites."""
