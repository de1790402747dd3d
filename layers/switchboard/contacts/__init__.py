"""Contacts: the address book of an organization, by telephone number."""
