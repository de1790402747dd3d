"""Webhooks: what happened, told to the customers' own endpoints: signed, tried again, recorded."""
