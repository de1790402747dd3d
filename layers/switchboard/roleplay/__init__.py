"""Roleplay training: sessions, the practice calls that they start, and the scores of these calls."""
