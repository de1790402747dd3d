"""Phone calls: one model and one state machine for all four APIs."""
