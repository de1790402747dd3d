"""One folder for each API: errors, API document, webhook bodies and other parts of its dialect."""
