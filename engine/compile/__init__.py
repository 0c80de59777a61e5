"""Documents and connector descriptions to a Plan, in named stages; every static check."""
