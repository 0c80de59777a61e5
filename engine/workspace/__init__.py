"""Files to documents with places; no meaning across documents."""
