"""A picture as JSON, for programs that draw by themselves."""

from engine.drawing.picture import Picture
from engine.values.json_text import write_json


def as_json(picture: Picture) -> str:
    """`{"title", "nodes": [{"id", "kind", "title", "lines"}], "edges": [{"start", "end", "label"}]}`."""
    nodes = [
        {"id": node.id, "kind": node.kind, "title": node.title, "lines": list(node.lines)}
        for node in picture.nodes
    ]
    edges = [{"start": edge.start, "end": edge.end, "label": edge.label} for edge in picture.edges]
    return write_json({"title": picture.title, "nodes": nodes, "edges": edges}, indent=True).decode() + "\n"
