"""State, audit, outbox and journal: the mechanisms that every room commits through. Knows no room."""
