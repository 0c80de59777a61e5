"""Migrations of the schema, forward only; Alembic runs them."""
