"""A picture in words: each node with what leads to it and where it leads."""

from engine.drawing.picture import Picture


def listed(picture: Picture) -> str:
    """Each node with what stands in it, what leads to it, and where it leads."""
    titles = {node.id: node.title for node in picture.nodes}
    blocks = []
    for node in picture.nodes:
        lines = [node.title, *(f"  {line}" for line in node.lines)]
        before = [_told(titles[edge.start], edge.label) for edge in picture.edges if edge.end == node.id]
        after = [_told(titles[edge.end], edge.label) for edge in picture.edges if edge.start == node.id]
        lines += [f"  after {', '.join(before)}"] if before else []
        lines += [f"  then {', '.join(after)}"] if after else []
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _told(title: str, label: str) -> str:
    return f"{title} ({label})" if label else title
