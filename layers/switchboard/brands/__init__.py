"""Brands and campaigns for texts from American local numbers (A2P 10DLC)."""
