"""A picture in a terminal: boxes of characters, with lines between them that do not run into each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from engine.drawing.layout import Box, Layout, lay_out
from engine.drawing.listed import listed
from engine.drawing.picture import Node, Picture

NEAR = 4
"""A single arrow that would step aside by less stays straight: it still meets its box."""

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
# By the directions in which lines leave a place.
_LINES = {
    UP: "│", DOWN: "│", UP | DOWN: "│",
    LEFT: "─", RIGHT: "─", LEFT | RIGHT: "─",
    DOWN | RIGHT: "┌", DOWN | LEFT: "┐", UP | RIGHT: "└", UP | LEFT: "┘",
    UP | DOWN | RIGHT: "├", UP | DOWN | LEFT: "┤",
    DOWN | LEFT | RIGHT: "┬", UP | LEFT | RIGHT: "┴",
    UP | DOWN | LEFT | RIGHT: "┼",
}  # fmt: skip


def terminal(picture: Picture, width: int) -> str:
    """The lines of the picture; a list of its nodes when it is too wide, or leads aside."""
    if picture.rightward:
        return listed(picture)
    sketches = [_Sketch(part, lay_out(part, _size, across=3, down=2)) for part in picture.parts()]
    if max(sketch.layout.width for sketch in sketches) + 1 > width:
        return listed(picture)
    return "\n".join(sketch.text() for sketch in sketches)


def _size(node: Node) -> tuple[float, float]:
    return max(map(len, node.text)) + 4, len(node.text) + 2


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A piece of an edge from one layer to the next: straight down, across in a lane, down again."""

    start: int
    end: int
    source: str
    label: str
    arrow: bool

    @property
    def span(self) -> tuple[int, int]:
        return min(self.start, self.end), max(self.start, self.end)


@dataclass(slots=True)
class _Sketch:
    """One drawing: a grid of directions for lines, and of characters for text."""

    picture: Picture
    layout: Layout
    lines: dict[tuple[int, int], int] = field(default_factory=dict)
    texts: dict[tuple[int, int], str] = field(default_factory=dict)

    def text(self) -> str:
        """Draw layer after layer, from the top."""
        layers = self._layers()
        stretches = self._stretches(layers)
        y = 0
        for number, layer in enumerate(layers):
            height = max(int(box.height) for _, box in layer)
            for node, box in layer:
                self._box(node, int(box.x), y, int(box.width), int(box.height))
                self._upright(int(box.x) + int(box.width) // 2, y + int(box.height), y + height)
            for x in self._passing(stretches, number):
                self._upright(x, y, y + height)
            y = self._gap(stretches[number], y + height) if number < len(stretches) else y + height
        return self._printed(y)

    def _layers(self) -> list[list[tuple[Node, Box]]]:
        boxes = self.layout.boxes
        middles = sorted({_middle(box) for box in boxes.values()})
        return [
            [(node, boxes[node.id]) for node in self.picture.nodes if _middle(boxes[node.id]) == middle]
            for middle in middles
        ]

    def _stretches(self, layers: Sequence[Sequence[tuple[Node, Box]]]) -> list[list[_Stretch]]:
        """What runs between each layer and the next."""
        layer_of = {node.id: number for number, layer in enumerate(layers) for node, _ in layer}
        found: list[list[_Stretch]] = [[] for _ in layers[1:]]
        for edge, route in self.layout.routes:
            first, last = layer_of[edge.start], layer_of[edge.end]
            places = [_centre(self.layout.boxes[edge.start]), *(int(x) for x, _ in route[1:-1])]
            places.append(_centre(self.layout.boxes[edge.end]))
            for number, (start, end) in enumerate(pairwise(places)):
                label = edge.label if number == 0 else ""
                arrow = first + number + 1 == last
                found[first + number].append(_Stretch(start, end, edge.start, label, arrow))
        return [self._spread(layer, below) for layer, below in zip(found, layers[1:], strict=True)]

    @staticmethod
    def _spread(stretches: Sequence[_Stretch], below: Sequence[tuple[Node, Box]]) -> list[_Stretch]:
        """The arrows that reach one box at places of their own, so that no two look like one."""
        spread = [one for one in stretches if not one.arrow]
        for _, box in below:
            arriving = [one for one in stretches if one.arrow and one.end == _centre(box)]
            apart = min(4, (int(box.width) - 3) // max(1, len(arriving) - 1))
            left = _centre(box) - apart * (len(arriving) - 1) // 2
            for number, one in enumerate(sorted(arriving, key=lambda each: each.start)):
                end = left + apart * number
                near = len(arriving) == 1 and abs(one.start - end) < NEAR
                spread.append(replace(one, end=one.start if near else end))
        return spread

    def _passing(self, stretches: Sequence[Sequence[_Stretch]], number: int) -> Iterator[int]:
        """Where edges pass a layer on their way further down."""
        if number:
            yield from (one.end for one in stretches[number - 1] if not one.arrow)

    def _gap(self, stretches: Sequence[_Stretch], top: int) -> int:
        """Draw what runs between two layers; the y at which the next layer begins."""
        lanes = _lanes(stretches)
        bottom = top + max(lanes.values(), default=0) + 3
        for one, lane in lanes.items():
            across = top + 1 + lane
            self._upright(one.start, top, across)
            self._level(one.start, one.end, across)
            self._upright(one.end, across, bottom)
            if one.label:
                for offset, char in enumerate(one.label):
                    self.texts[one.end + 2 + offset, bottom - 1] = char
            if one.arrow:
                self.texts[one.end, bottom - 1] = "▼"
        return bottom

    def _upright(self, x: int, top: int, bottom: int) -> None:
        for y in range(top, bottom):
            self._add(x, y, DOWN)
            self._add(x, y + 1, UP)

    def _level(self, start: int, end: int, y: int) -> None:
        for x in range(min(start, end), max(start, end)):
            self._add(x, y, RIGHT)
            self._add(x + 1, y, LEFT)

    def _add(self, x: int, y: int, direction: int) -> None:
        self.lines[x, y] = self.lines.get((x, y), 0) | direction

    def _box(self, node: Node, x: int, y: int, width: int, height: int) -> None:
        rounded = node.kind == "event"
        corners = "╭╮╰╯" if rounded else "┌┐└┘"
        rows = [corners[0] + "─" * (width - 2) + corners[1]]
        rows += [f"│ {line.ljust(width - 4)} │" for line in node.text]
        rows.append(corners[2] + "─" * (width - 2) + corners[3])
        for row, text in enumerate(rows[:height]):
            for column, char in enumerate(text):
                self.texts[x + column, y + row] = char

    def _printed(self, height: int) -> str:
        right = max((x for x, _ in [*self.lines, *self.texts]), default=0)
        rows = []
        for y in range(height):
            row = [
                self.texts.get((x, y)) or _LINES.get(self.lines.get((x, y), 0), " ") for x in range(right + 1)
            ]
            rows.append("".join(row).rstrip())
        return "\n".join(rows) + "\n"


def _middle(box: Box) -> float:
    return round(box.y + box.height / 2, 3)


def _centre(box: Box) -> int:
    return int(box.x) + int(box.width) // 2


def _lanes(stretches: Sequence[_Stretch]) -> dict[_Stretch, int]:
    """A lane for each stretch, so that those of different nodes do not lie upon each other."""
    lanes: dict[_Stretch, int] = {}
    for one in sorted(stretches, key=lambda each: (each.span, each.source)):
        lane = 0
        while any(taken == lane and _meet(one, other) for other, taken in lanes.items()):
            lane += 1
        lanes[one] = lane
    return lanes


def _meet(one: _Stretch, other: _Stretch) -> bool:
    if one.source == other.source:
        return False
    return one.span[0] <= other.span[1] and other.span[0] <= one.span[1]
