"""Order, cycles and reach of steps, against networkx."""

from itertools import pairwise

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from engine.plan import graph

NAMES = "abcdef"
NEEDS = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3), max_size=6)


def as_networkx(needs: dict[str, list[str]]) -> "nx.DiGraph[str]":
    found: nx.DiGraph[str] = nx.DiGraph()
    found.add_nodes_from(needs)
    found.add_edges_from((before, name) for name in needs for before in needs[name] if before in needs)
    return found


@given(needs=NEEDS)
def test_the_same_order_cycles_and_reach(needs: dict[str, list[str]]) -> None:
    oracle = as_networkx(needs)
    for name in needs:
        assert graph.ancestors(needs, name) == nx.ancestors(oracle, name)
    found = graph.cycle(needs)
    assert (found is None) == nx.is_directed_acyclic_graph(oracle)
    if found is None:
        place = list(needs).index
        assert graph.order(needs) == list(nx.lexicographical_topological_sort(oracle, key=place))
    else:
        around = [*found, found[0]]
        assert all(oracle.has_edge(before, name) for name, before in pairwise(around))
        assert found[0] == min(found, key=list(needs).index)
