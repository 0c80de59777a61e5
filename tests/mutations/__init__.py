"""Seeded mistakes: what an analyst mistypes, and whether `validate` says so at the right line."""
