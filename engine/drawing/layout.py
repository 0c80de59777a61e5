"""Where the nodes of a picture stand: in layers, with few crossings. The only user of grandalf.

Lengths are in whatever unit the caller measures nodes in: characters for a terminal, pixels for a page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from grandalf.graphs import Edge as Line
from grandalf.graphs import Graph, Vertex, graph_core
from grandalf.layouts import SugiyamaLayout

from engine.drawing.picture import Edge, Node, Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where a node stands: its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """The x of its middle."""
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything stands. A route runs from the start of an edge over its bends to its end."""

    boxes: Mapping[str, Box]  # by node
    routes: Sequence[tuple[Edge, tuple[tuple[float, float], ...]]]
    width: float
    height: float


@dataclass(slots=True)
class _View:
    """What grandalf asks of a node, and where it puts it: the place of its middle."""

    w: float
    h: float
    xy: tuple[float, float] = (0.0, 0.0)


@dataclass(slots=True)
class _Path:
    points: tuple[tuple[float, float], ...] = ()

    def setpath(self, points: Sequence[tuple[float, float]]) -> None:
        """Called by grandalf with the middles of the ends, and the bends in between."""
        self.points = tuple(points)


def lay_out(
    picture: Picture,
    size: Callable[[Node], tuple[float, float]],
    *,
    across: float,
    down: float,
) -> Layout:
    """Place the nodes, of which `size` gives width and height.

    The gaps are those within a layer (`across`) and between layers (`down`). A picture that leads to the
    right is laid out as one that leads down, and turned.
    """
    turned = picture.rightward
    vertices = {node.id: _vertex(node, *size(node), turned=turned) for node in picture.nodes}
    lines = {edge: _line(edge, vertices) for edge in picture.edges}
    graph = Graph(list(vertices.values()), list(lines.values()))
    left = 0.0
    offsets: dict[str, tuple[float, float]] = {}
    for part in graph.C:
        _draw(part, across, down)
        members = {vertex.data: vertex.view for vertex in part.sV}
        bends = [point for line in part.sE for point in line.view.points[1:-1]]
        start = min([*(view.xy[0] - view.w / 2 for view in members.values()), *(x for x, _ in bends)])
        end = max([*(view.xy[0] + view.w / 2 for view in members.values()), *(x for x, _ in bends)])
        top = min(view.xy[1] - view.h / 2 for view in members.values())
        offsets.update(dict.fromkeys(members, (left - start, -top)))
        left += end - start + across
    placed = _layout(picture, vertices, lines, offsets, max(0.0, left - across))
    return _turned(placed) if turned else placed


def _vertex(node: Node, width: float, height: float, *, turned: bool) -> Vertex:
    vertex = Vertex(node.id)
    vertex.view = _View(height, width) if turned else _View(width, height)
    return vertex


def _line(edge: Edge, vertices: Mapping[str, Vertex]) -> Line:
    line = Line(vertices[edge.start], vertices[edge.end])
    line.view = _Path()
    return line


def _draw(part: graph_core, across: float, down: float) -> None:
    layout = SugiyamaLayout(part)
    layout.xspace, layout.yspace = across, down
    layout.dw, layout.dh = across, down
    layout.init_all()
    layout.draw(N=6)


def _layout(
    picture: Picture,
    vertices: Mapping[str, Vertex],
    lines: Mapping[Edge, Line],
    offsets: Mapping[str, tuple[float, float]],
    width: float,
) -> Layout:
    boxes = {}
    for node in picture.nodes:
        view: _View = vertices[node.id].view
        right, below = offsets[node.id]
        x, y = view.xy
        boxes[node.id] = Box(x=x - view.w / 2 + right, y=y - view.h / 2 + below, width=view.w, height=view.h)
    routes = []
    for edge, line in lines.items():
        right, below = offsets[edge.start]
        start, end = boxes[edge.start], boxes[edge.end]
        bends = [(x + right, y + below) for x, y in line.view.points[1:-1]]
        routes.append((edge, ((start.middle, start.y + start.height), *bends, (end.middle, end.y))))
    height = max((box.y + box.height for box in boxes.values()), default=0.0)
    return Layout(boxes=boxes, routes=routes, width=width, height=height)


def _turned(layout: Layout) -> Layout:
    """The same with x and y exchanged."""
    boxes = {
        name: Box(x=box.y, y=box.x, width=box.height, height=box.width) for name, box in layout.boxes.items()
    }
    routes = [(edge, tuple((y, x) for x, y in route)) for edge, route in layout.routes]
    return Layout(boxes=boxes, routes=routes, width=layout.height, height=layout.width)
