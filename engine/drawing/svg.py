"""A picture as an SVG image that stands alone: no script, no font of its own, light and dark."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from engine.drawing.colours import COLOURS
from engine.drawing.layout import Box, lay_out
from engine.drawing.listed import listed
from engine.drawing.picture import Edge, Node, Picture

MARGIN = 24
PADDING = 14
BAR = 4  # the coloured edge of a box
TITLE_WIDTH, TEXT_WIDTH = 8.4, 6.7  # of one character of 13 and 11.5 pixels: the wider ones of common fonts
TITLE_HEIGHT, TEXT_HEIGHT = 18, 16

_STYLE = """\
:root { color-scheme: light dark;
  --ground: #ffffff; --box: #f6f7f9; --frame: #d4d8de; --ink: #1c232b; --soft: #5a6572; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14181d; --box: #1e242b; --frame: #39424d; --ink: #e8ebef; --soft: #a3adb8; }
}
.ground { fill: var(--ground); }
.box { fill: var(--box); stroke: var(--frame); }
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  font-size: 11.5px; fill: var(--soft); }
.heading { font-size: 15px; font-weight: 600; fill: var(--ink); }
.title { font-size: 13px; font-weight: 600; fill: var(--ink); }
.edge { fill: none; stroke: var(--soft); stroke-width: 1.3; }
.label { paint-order: stroke; stroke: var(--ground); stroke-width: 4px; }
.head { fill: var(--soft); }
"""

_ARROW = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path class="head" d="M0 0.8 L8 4 L0 7.2 z"/></marker></defs>'
)


def svg(picture: Picture) -> str:
    """The text of the image."""
    layout = lay_out(
        picture, _size, across=18 if picture.rightward else 26, down=72 if picture.rightward else 44
    )
    top = MARGIN + 30
    width = max(layout.width + 2 * MARGIN, len(picture.title) * 9 + 2 * MARGIN)
    height = layout.height + top + MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{_quoted(picture.title)}">'
    )
    parts = [
        head,
        f"<title>{escape(picture.title)}</title>",
        f"<desc>{escape(listed(picture))}</desc>",
        f"<style>{_STYLE}</style>",
        _ARROW,
        f'<rect class="ground" width="{width:.0f}" height="{height:.0f}"/>',
        f'<text class="heading" x="{MARGIN}" y="{MARGIN + 8}">{escape(picture.title)}</text>',
        f'<g transform="translate({MARGIN} {top})">',
        *(_edge(edge, route, rightward=picture.rightward) for edge, route in layout.routes),
        *(_node(node, layout.boxes[node.id]) for node in picture.nodes),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _size(node: Node) -> tuple[float, float]:
    widest = max([len(node.title) * TITLE_WIDTH, *(len(line) * TEXT_WIDTH for line in node.lines)])
    return widest + 2 * PADDING + BAR, TITLE_HEIGHT + TEXT_HEIGHT * len(node.lines) + 2 * (PADDING - 4)


def _node(node: Node, box: Box) -> str:
    corner = 16 if node.kind == "event" else 6
    left, y = box.x + PADDING + BAR, box.y + PADDING + 8
    frame = (
        f'<rect class="box" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="{min(corner, box.height / 2):.0f}"/>'
    )
    bar = (
        f'<rect x="{box.x + 5:.1f}" y="{box.y + 8:.1f}" width="{BAR}" height="{box.height - 16:.1f}" '
        f'rx="2" fill="{COLOURS[node.kind]}"/>'
    )
    title = f'<text class="title" x="{left:.1f}" y="{y:.1f}">{escape(node.title)}</text>'
    parts = [f"<g><title>{escape(node.kind)}: {escape(node.title)}</title>", frame, bar, title]
    for line in node.lines:
        y += TEXT_HEIGHT
        parts.append(f'<text x="{left:.1f}" y="{y:.1f}">{escape(line)}</text>')
    return "".join([*parts, "</g>"])


def _edge(edge: Edge, route: Sequence[tuple[float, float]], *, rightward: bool) -> str:
    """A curve through the bends that leaves and arrives in the direction of the picture."""
    x, y = route[0]
    path = [f"M{x:.1f} {y:.1f}"]
    for next_x, next_y in route[1:]:
        right, down = ((next_x - x) / 2, 0.0) if rightward else (0.0, (next_y - y) / 2)
        first, second = f"{x + right:.1f} {y + down:.1f}", f"{next_x - right:.1f} {next_y - down:.1f}"
        path.append(f"C{first} {second} {next_x:.1f} {next_y:.1f}")
        x, y = next_x, next_y
    drawn = f'<path class="edge" marker-end="url(#head)" d="{" ".join(path)}"/>'
    if not edge.label:
        return drawn
    (x, y), (next_x, next_y) = route[0], route[1]
    label_x, label_y = (x + next_x) / 2, (y + next_y) / 2 + 4
    return (
        f'{drawn}<text class="label" text-anchor="middle" x="{label_x:.1f}" y="{label_y:.1f}">'
        f"{escape(edge.label)}</text>"
    )


def _quoted(text: str) -> str:
    return escape(text, {'"': "&quot;"})
