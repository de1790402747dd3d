"""Records of calls for people: lists and details with contacts, flows, tags, notes and the reader's own read state."""
