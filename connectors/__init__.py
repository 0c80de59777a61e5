"""The connectors that come with Tidegate. Each is found by its entry point, as a third party's is."""
