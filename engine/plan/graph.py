"""The graph of a flow's steps: an order in which each follows what it needs, or the cycle."""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush


def order(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """The names so that each follows what it needs; among those that are free, as they are written.

    Raises:
        graphlib.CycleError: when there is a cycle; ask :func:`cycle` first.

    """
    sorter = _sorter(needs)
    sorter.prepare()
    place = {name: number for number, name in enumerate(needs)}
    free: list[tuple[int, str]] = []
    found: list[str] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heappush(free, (place[name], name))
        name = heappop(free)[1]
        sorter.done(name)
        found.append(name)
    return found


def cycle(needs: Mapping[str, Iterable[str]]) -> Sequence[str] | None:
    """The names on a cycle, each needed by the one before it, from the one that is written first.

    None when there is no cycle.
    """
    try:
        _sorter(needs).prepare()
    except CycleError as error:
        around: list[str] = error.args[1][:0:-1]
        place = {name: number for number, name in enumerate(needs)}
        first = around.index(min(around, key=place.__getitem__))
        return [*around[first:], *around[:first]]
    return None


def ancestors(needs: Mapping[str, Iterable[str]], name: str) -> set[str]:
    """Everything that a name needs, however far back."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for before in needs.get(waiting.pop(), ()):
            if before in needs and before not in found:
                found.add(before)
                waiting.append(before)
    return found - {name}


def _sorter(needs: Mapping[str, Iterable[str]]) -> "TopologicalSorter[str]":
    return TopologicalSorter(
        {name: [other for other in others if other in needs] for name, others in needs.items()}
    )


def plain(needs: Mapping[str, Iterable[str]]) -> set[tuple[str, str]]:
    """The edges, from what comes first, without those that follow from others: for drawing, not working."""
    # Late, because it takes longer to import than a workspace takes to check.
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(needs)
    graph.add_edges_from(
        (before, name) for name, others in needs.items() for before in others if before in needs
    )
    return set(nx.transitive_reduction(graph).edges)
