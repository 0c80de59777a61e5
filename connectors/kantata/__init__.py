"""Kantata OX: projects, tasks and milestones, allocations, time, and the feed of what was approved."""
