"""Inboxes: which things of a kind, such as calls or voicemails, each member has read, and how many are unread."""
