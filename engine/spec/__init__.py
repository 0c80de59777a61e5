"""A field of a document described once; decoding, JSON Schemas and reference pages come from it."""
