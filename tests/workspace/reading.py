"""Short ways to read one text, and to say what was found."""

from engine.problems import Collector
from engine.source import Source
from engine.workspace import KINDS
from engine.workspace.decode import Decoder
from engine.workspace.node import ListNode, MapNode, Node
from engine.workspace.yaml_tree import read_yaml, source_of


def trees(text):
    """The trees of a text, and the codes of its problems."""
    collector = Collector()
    found = read_yaml(Source("test.yaml", text), collector)
    return found, [problem.code for problem in collector.problems]


def read_bytes(data):
    """The codes that reading bytes gives, through to the documents."""
    collector = Collector()
    source = source_of("test.yaml", data, collector)
    if source is not None:
        decoder = Decoder(KINDS, collector)
        for tree in read_yaml(source, collector):
            decoder.decode(tree)
    return collector


def document(text):
    """The first document of a text, None when it cannot be used, and the codes."""
    collector = Collector()
    decoder = Decoder(KINDS, collector)
    decoded = [decoder.decode(tree) for tree in read_yaml(Source("test.yaml", text), collector)]
    first = next((one.document for one in decoded if one is not None), None)
    return first, [problem.code for problem in collector.problems]


def shape(node: Node):
    """A tree as plain lists, texts, and lists of pairs."""
    if isinstance(node, MapNode):
        return {key.text: shape(value) for key, value in node.pairs}
    if isinstance(node, ListNode):
        return [shape(item) for item in node.items]
    return node.text
