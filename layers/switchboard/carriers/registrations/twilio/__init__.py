"""Twilio's registry of brands and campaigns: TrustHub, brand registrations, and campaigns of messaging services."""
