"""Webhooks: signed notifications of events to customers' endpoints, with retries and a record of each attempt."""
