"""The port to payments, its notifications, and the choice of a provider."""
