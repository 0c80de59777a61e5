"""Fuzzing: texts and bytes that a machine makes up, so that nothing but sentences comes of them."""
