"""One folder for each API: its errors, its document, its webhook bodies and its other words."""
