"""How every noun reads and writes: one commit, optimistic changes, collections, paged lists, cursors and retention."""
