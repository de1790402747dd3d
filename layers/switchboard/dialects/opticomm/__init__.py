"""OptiComm's words: keys in a header, actions in the body, errors, call statuses, callbacks and the API document."""
