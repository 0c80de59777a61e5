"""When something may begin and go out: pure decisions, each handed the time."""
