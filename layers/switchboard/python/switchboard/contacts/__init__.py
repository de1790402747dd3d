"""Contacts: whom an organisation knows, by telephone number."""
