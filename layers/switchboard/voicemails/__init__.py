"""Voicemails: messages of callers, with their transcripts, the team's activity, and each member's read state."""
