"""Questions put to a ledger that is only read."""
