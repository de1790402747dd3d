"""The people who use the console, their sign-ins and their sessions."""
