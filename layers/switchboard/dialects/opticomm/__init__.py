"""OptiComm's dialect: key header, actions in the body, errors, call statuses, callbacks and the API document."""
