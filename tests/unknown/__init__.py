"""Unknown outcomes: every way in which an exchange breaks, against every way to do a write once."""
