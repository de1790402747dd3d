"""Numbers: the telephone numbers of an organization, and the flows that they are assigned to."""
