"""Parts of a lazy graph: only what some chunks need, without a look at the rest again and again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any, TypeVar

from dask.highlevelgraph import HighLevelGraph, Layer

Keys = list[Any]
Item = TypeVar("Item")

_FAN_OUT = 16
"""Into how many parts a graph is cut at most: what one look at all its keys costs is shared by one part's items."""


def batches(
    graph: HighLevelGraph, items: Sequence[Item], *, keys_of: Callable[[Sequence[Item]], Keys], size: int
) -> Iterator[tuple[HighLevelGraph, Sequence[Item]]]:
    """Cut a sequence into batches, and say what part of the graph each of them needs.

    To find what a few items need, Dask looks at every key of a graph: with the whole graph for every batch, each would
    take the longer the more there are. So the graph is cut into a few large parts, and each of these further.

    Parameters
    ----------
    graph : dask.highlevelgraph.HighLevelGraph
        Of all items.
    items : sequence
        What is computed.
    keys_of : callable
        Keys in the graph that some items are.
    size : int
        Items in a batch; the last one may have fewer.

    Yields
    ------
    tuple
        The part of the graph, and the items.

    Examples
    --------
    >>> import dask.array as da
    >>> ones = da.ones(100, chunks=1)
    >>> keys_of = lambda blocks: [(ones.name, block) for block in blocks]
    >>> [(len(part), len(batch)) for part, batch in batches(ones.dask, range(100), keys_of=keys_of, size=40)]
    [(40, 40), (40, 40), (20, 20)]
    """
    step = size
    while step * _FAN_OUT < len(items):
        step *= _FAN_OUT
    for start in range(0, len(items), step):
        some = items[start : start + step]
        part = part_of(graph, keys_of(some))
        if step == size:
            yield part, some
        else:
            yield from batches(part, some, keys_of=keys_of, size=size)


def part_of(graph: HighLevelGraph, keys: Keys) -> HighLevelGraph:
    """What keys need of a graph, layer by layer; layers that are not written out stay so.

    `HighLevelGraph.cull` gives layers other names and thereby loses what they depend on, so that its result can be
    neither culled again nor optimised.

    Parameters
    ----------
    graph : dask.highlevelgraph.HighLevelGraph
        Holds all of the keys.
    keys : list
        What shall be computed.

    Returns
    -------
    dask.highlevelgraph.HighLevelGraph
        Layers have their names.
    """
    needed, layers = set(keys), dict[str, Layer]()
    for name in reversed(list(TopologicalSorter(graph.dependencies).static_order())):
        layer, dependencies = graph.layers[name].cull(needed, _outer_keys(graph.layers[name], graph))
        if dependencies:
            layers[name] = layer
            needed = needed.union(*dependencies.values()).difference(dependencies)
    within: Mapping[str, set[str]] = {name: graph.dependencies[name] & layers.keys() for name in layers}
    return HighLevelGraph(layers, within)


def _outer_keys(layer: Layer, graph: HighLevelGraph) -> set[Any]:
    """Among which an old kind of task, a tuple, must look for what it depends on."""
    return graph.get_all_external_keys() if layer.has_legacy_tasks else set()
