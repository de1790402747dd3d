"""What happened: immutable events, committed with the change that they tell of."""
