"""A revenue recognition engine (ASC 606, IFRS 15): contracts, performance events, what was recognised."""
