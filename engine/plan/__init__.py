"""What will run: frozen, complete, fingerprinted; no YAML, and no knowledge of how it was compiled."""
