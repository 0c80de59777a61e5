"""The shell: accept, dispatch, execute, deliver, retry. It never sees text of expressions, or YAML."""
