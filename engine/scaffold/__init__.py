"""New workspaces: what `tidegate init` writes.

A template is a folder of files as they will stand in the workspace (`dot-` at the beginning of a name
becomes a dot). The pack is a template as well: the documents of a professional-services firm.
"""

from engine.scaffold.create import TEMPLATES, Template, create

__all__ = ["TEMPLATES", "Template", "create"]
