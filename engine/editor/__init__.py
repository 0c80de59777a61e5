"""The language server: what an editor asks about documents while somebody writes them.

Decisions are functions over texts and over what the compiler found; :mod:`engine.editor.server` is the
only door to the protocol.
"""
