"""The port to providers of telephone numbers, in plain types of its own."""
