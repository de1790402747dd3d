"""Campaigns: one text to many recipients, at a steady pace."""
