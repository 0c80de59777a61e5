"""Text of an expression to a checked, compiled callable."""
