"""Documents, files and expressions that mean harm: each is refused, in bounded time and memory."""
