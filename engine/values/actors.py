"""Who is behind an act, and who is told of it, when no document and no person says so."""

ENGINE = "tidegate"  # what the engine does by itself bears this name; no person may act under it
OPERATIONS = "integration-operations"  # told of what has no owner
