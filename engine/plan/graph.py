"""The graph of a flow's steps: an order in which each follows what it needs, or the cycle."""

from collections.abc import Iterable, Mapping, Sequence

import networkx as nx


def order(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """The names so that each follows what it needs; among those that are free, as they are written.

    Raises:
        networkx.NetworkXUnfeasible: when there is a cycle; ask :func:`cycle` first.

    """
    graph = _graph(needs)
    place = {name: number for number, name in enumerate(needs)}
    return list(nx.lexicographical_topological_sort(graph, key=place.__getitem__))


def cycle(needs: Mapping[str, Iterable[str]]) -> Sequence[str] | None:
    """The names on a cycle, each needed by the one before it; None when there is no cycle."""
    graph = _graph(needs).reverse()
    try:
        found = nx.find_cycle(graph)
    except nx.NetworkXNoCycle:
        return None
    return [edge[0] for edge in found]


def ancestors(needs: Mapping[str, Iterable[str]], name: str) -> set[str]:
    """Everything that a name needs, however far back."""
    found: set[str] = nx.ancestors(_graph(needs), name)
    return found


def plain(needs: Mapping[str, Iterable[str]]) -> set[tuple[str, str]]:
    """The edges, from what comes first, without those that follow from others: for drawing, not for working."""
    return set(nx.transitive_reduction(_graph(needs)).edges)


def _graph(needs: Mapping[str, Iterable[str]]) -> "nx.DiGraph[str]":
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(needs)
    graph.add_edges_from(
        (before, name) for name, others in needs.items() for before in others if before in needs
    )
    return graph
