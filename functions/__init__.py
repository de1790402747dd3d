"""The Lambda functions, each in its own folder."""
