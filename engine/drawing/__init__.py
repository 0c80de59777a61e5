"""Pictures of what was compiled: a flow's steps, and how events, flows and systems hang together.

A picture is nodes and edges; how it is laid out and how it is written (SVG, Mermaid, text) are told
apart, so that the same picture goes into a terminal, a page and a pull request. Nothing here decides
or reads files.
"""

from engine.drawing.json_form import as_json
from engine.drawing.layout import Layout, lay_out
from engine.drawing.mermaid import mermaid
from engine.drawing.of_plan import flow_picture, workspace_picture
from engine.drawing.picture import Edge, Node, Picture
from engine.drawing.svg import svg
from engine.drawing.terminal import terminal

__all__ = [
    "Edge",
    "Layout",
    "Node",
    "Picture",
    "as_json",
    "flow_picture",
    "lay_out",
    "mermaid",
    "svg",
    "terminal",
    "workspace_picture",
]
