"""Files to documents with places; no meaning across documents."""

from engine.workspace.files import Files, FileUnreadable, WorkspaceError, find_root
from engine.workspace.kinds import KINDS
from engine.workspace.load import load_workspace
from engine.workspace.workspace import Workspace

__all__ = ["KINDS", "FileUnreadable", "Files", "Workspace", "WorkspaceError", "find_root", "load_workspace"]
