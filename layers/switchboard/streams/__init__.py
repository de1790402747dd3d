"""Live streams: send the entries of a source as they happen, to clients that a guard admits."""
