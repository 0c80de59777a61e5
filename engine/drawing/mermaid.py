"""A picture as Mermaid text, which GitHub, GitLab and many wikis draw by themselves."""

from engine.drawing.colours import COLOURS
from engine.drawing.picture import Picture

_SHAPES = {"event": ("([", "])"), "choose": ("{{", "}}"), "connection": ("[(", ")]"), "source": ("[(", ")]")}


def mermaid(picture: Picture) -> str:
    """The lines of a flowchart."""
    names = {node.id: f"n{number}" for number, node in enumerate(picture.nodes)}
    lines = ["flowchart LR" if picture.rightward else "flowchart TD"]
    for node in picture.nodes:
        left, right = _SHAPES.get(node.kind, ("[", "]"))
        text = "<br/>".join(_escaped(line) for line in node.text)
        lines.append(f'    {names[node.id]}{left}"{text}"{right}:::{node.kind}')
    for edge in picture.edges:
        arrow = f'-- "{_escaped(edge.label)}" -->' if edge.label else "-->"
        lines.append(f"    {names[edge.start]} {arrow} {names[edge.end]}")
    kinds = sorted({node.kind for node in picture.nodes})
    lines.extend(f"    classDef {kind} stroke:{COLOURS[kind]},stroke-width:2px" for kind in kinds)
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Text in which Mermaid finds no syntax of its own: its entities are written #NUMBER;."""
    return "".join(char if char.isalnum() or char in " .,_-/:()…" else f"#{ord(char)};" for char in text)
