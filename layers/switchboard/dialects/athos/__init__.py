"""Athos' dialect: errors, the webhook body and the API document."""
