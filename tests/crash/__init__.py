"""Processes killed at random moments, and what the systems that they wrote to have seen."""
