"""The command line: one file a command; no decision is made here."""
