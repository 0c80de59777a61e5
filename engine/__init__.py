"""Tidegate: rules and mappings between the systems of professional-services firms."""

__version__ = "0.1.0"
