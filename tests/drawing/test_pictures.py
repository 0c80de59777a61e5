"""Pictures of flows: everything that is there is drawn, once, and nothing lies upon anything else."""

import json
import re
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import drawing
from engine.drawing.layout import lay_out
from engine.drawing.picture import Edge, Node, Picture
from engine.session import load, pack_folder

SVG = "{http://www.w3.org/2000/svg}"


@st.composite
def pictures(draw):
    count = draw(st.integers(1, 9))
    titles = draw(st.lists(st.from_regex(r"[a-z_]{1,24}", fullmatch=True), min_size=count, max_size=count))
    lines = st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30), max_size=3)
    kinds = st.sampled_from(["event", "map", "check", "write", "choose"])
    nodes = tuple(
        Node(id=f"n{number}", kind=draw(kinds), title=title, lines=tuple(draw(lines)))
        for number, title in enumerate(titles)
    )
    pairs = list(combinations(range(count), 2))
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=14)) if pairs else []
    labels = st.sampled_from(["", "", "large"])
    edges = tuple(Edge(start=f"n{one}", end=f"n{other}", label=draw(labels)) for one, other in chosen)
    return Picture(title="<made & up>", nodes=nodes, edges=edges, rightward=draw(st.booleans()))


def size(node):
    return max(map(len, node.text)) + 4, len(node.text) + 2


@given(pictures())
def test_boxes_never_lie_upon_each_other_and_arrows_lead_on(picture):
    layout = lay_out(picture, size, across=3, down=2)
    for one, other in combinations(layout.boxes.values(), 2):
        apart = (
            one.x + one.width <= other.x
            or other.x + other.width <= one.x
            or one.y + one.height <= other.y
            or other.y + other.height <= one.y
        )
        assert apart, (one, other)
    assert len(layout.routes) == len(picture.edges)
    for edge, route in layout.routes:
        start, end = layout.boxes[edge.start], layout.boxes[edge.end]
        assert (start.x < end.x) if picture.rightward else (start.y < end.y)
        along = [point[0 if picture.rightward else 1] for point in route]
        assert along == sorted(along)
    for box in layout.boxes.values():
        assert box.x >= -0.01
        assert box.y >= -0.01
        assert box.x + box.width <= layout.width + 0.01
        assert box.y + box.height <= layout.height + 0.01


@given(pictures())
def test_an_image_is_xml_that_holds_every_text(picture):
    root = ET.fromstring(drawing.svg(picture))  # noqa: S314 - our own text
    texts = [element.text or "" for element in root.iter(f"{SVG}text")]
    for node in picture.nodes:
        for line in node.text:
            assert line in texts
    assert len([path for path in root.iter(f"{SVG}path") if path.get("class") == "edge"]) == len(
        picture.edges
    )
    assert root.get("aria-label") == picture.title


@given(pictures())
def test_a_terminal_shows_every_node_and_its_arrows(picture):
    shown = drawing.terminal(picture, 10_000)
    for node in picture.nodes:
        assert node.title in shown
    if not picture.rightward:
        # Arrows into a box that is too narrow for them end in one.
        assert len({edge.end for edge in picture.edges}) <= shown.count("▼") <= len(picture.edges)
        assert shown.count("╭") == sum(node.kind == "event" for node in picture.nodes)


@given(pictures())
def test_mermaid_has_a_line_for_each_and_no_syntax_of_others(picture):
    lines = drawing.mermaid(picture).splitlines()
    assert sum(":::" in line for line in lines) == len(picture.nodes)
    assert sum("-->" in line for line in lines) == len(picture.edges)
    for line in lines[1:]:
        assert re.fullmatch(r"    (n\d+.*|classDef .*)", line)
        assert line.count('"') % 2 == 0


def test_a_picture_that_is_too_wide_is_listed():
    nodes = tuple(Node(id=name, kind="map", title=name) for name in ("first", "second"))
    picture = Picture(title="p", nodes=nodes, edges=(Edge(start="first", end="second", label="big"),))
    assert drawing.terminal(picture, 5) == "first\n  then second (big)\n\nsecond\n  after first (big)\n"


def test_a_small_flow_in_a_terminal():
    nodes = (
        Node(id="e", kind="event", title="deal.won"),
        Node(id="a", kind="map", title="a", lines=("map one",)),
        Node(id="b", kind="write", title="b"),
    )
    edges = (Edge(start="e", end="a"), Edge(start="e", end="b", label="large"), Edge(start="a", end="b"))
    assert drawing.terminal(Picture(title="p", nodes=nodes, edges=edges), 80) == (
        "    ╭──────────╮\n"
        "    │ deal.won │\n"
        "    ╰──────────╯\n"
        "          │\n"
        "     ┌────┴────┐\n"
        "     ▼         │ large\n"
        "┌─────────┐    │\n"
        "│ a       │    │\n"
        "│ map one │    │\n"
        "└─────────┘    │\n"
        "     │         │\n"
        "     └───┐ ┌───┘\n"
        "         ▼ ▼\n"
        "        ┌───┐\n"
        "        │ b │\n"
        "        └───┘\n"
    )


@pytest.fixture(scope="module")
def plan():
    return load(pack_folder()).ready.plan


def test_every_step_of_the_pack_is_in_its_picture(plan):
    for flow in plan.flows.values():
        picture = drawing.flow_picture(flow)
        assert [node.title for node in picture.nodes] == [flow.event, *(step.name for step in flow.steps)]
        full = drawing.flow_picture(flow, every_edge=True)
        assert set(picture.edges) <= set(full.edges)
        assert reachable(picture) == reachable(full)


def test_a_decision_table_is_one_policy_in_its_step(plan):
    picture = drawing.flow_picture(plan.flows["approved-time-to-billing"])
    (eligible,) = (node for node in picture.nodes if node.title == "eligible")
    checked = [line for line in eligible.lines if "time-in-contract" in line]
    assert checked == ["check time-in-contract (rejects)"]


def reachable(picture):
    following = {
        node.id: {edge.end for edge in picture.edges if edge.start == node.id} for node in picture.nodes
    }
    for node in reversed(picture.nodes):  # steps stand in an order in which each follows what it needs
        for end in list(following[node.id]):
            following[node.id] |= following[end]
    return following


def test_the_overview_leads_from_systems_over_events_and_flows_to_systems(plan):
    picture = drawing.workspace_picture(plan, "pack")
    kinds = {node.id: node.kind for node in picture.nodes}
    steps = {(kinds[edge.start], kinds[edge.end]) for edge in picture.edges}
    assert steps <= {("source", "event"), ("event", "flow"), ("flow", "connection"), ("flow", "event")}
    assert {flow.name for flow in plan.flows.values()} <= {node.title for node in picture.nodes}


def test_json_says_the_same(plan):
    picture = drawing.workspace_picture(plan, "pack")
    said = json.loads(drawing.as_json(picture))
    assert len(said["nodes"]) == len(picture.nodes)
    assert {(edge["start"], edge["end"]) for edge in said["edges"]} == {
        (edge.start, edge.end) for edge in picture.edges
    }
