"""E-mail: accepted with its event, sent by a worker, followed until it is delivered or not."""
