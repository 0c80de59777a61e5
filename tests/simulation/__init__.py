"""Deterministic simulation: one seed, one history. The real core, runtime and ledger in a world that fails.

Time, disk, network, systems and people are replaced; everything else is what runs in production. Run it:
``python -m tests.simulation --seeds 2000``; replay one seed: ``python -m tests.simulation --replay 17``.
"""
