"""Email: accepts mail with its event, sends it in a worker, and records its delivery. Also receives mail."""
