"""The functions that expressions may call, a family a file, handed in as one immutable table."""
