"""Figures about an organization's calls: what the dashboard and the reports show."""
