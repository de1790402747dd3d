"""Athos' words: errors, the webhook body and the API document."""
