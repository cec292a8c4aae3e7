import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoscale.engine.tiles import CHUNK_BYTES, PixelCost, choose_tile
from cryoscale.errors import ResourceError

GIB = 2**30


@pytest.mark.parametrize(
    ("shape", "n_pairs", "memory", "n_tasks", "tile"),
    [
        ((2000, 3200), 650, 2 * GIB, 2, (128, 128)),  # the largest chunk of 48 MiB decides
        ((2000, 3200), 650, GIB // 8, 2, (64, 64)),  # memory decides
        ((200, 200), 500, 2 * GIB, 2, (64, 64)),  # eight tiles for two threads decide
        ((60, 100), 30, 2 * GIB, 2, (32, 32)),
        ((10, 10), 30, 2 * GIB, 2, (10, 10)),
    ],
)
def test_known_cases(shape, n_pairs, memory, n_tasks, tile):
    cost = PixelCost.computing(8 * n_pairs, 4 * n_pairs // 4, widest=4 * n_pairs)
    assert choose_tile(shape, cost, memory=memory, n_tasks=n_tasks) == tile


def test_few_rows_make_a_wider_tile():
    cost = PixelCost.computing(5200, 760, widest=2600)
    assert choose_tile((2000, 3200), cost, memory=2 * GIB, n_tasks=2, max_rows=64) == (64, 256)


@given(
    st.tuples(st.integers(1, 40_000), st.integers(1, 40_000)),
    st.integers(1, 20_000),
    st.integers(GIB // 4, 64 * GIB),
    st.integers(1, 512),
)
def test_a_tile_fits_the_grid_the_memory_and_the_chunk(shape, width, memory, n_tasks):
    cost = PixelCost.computing(width, width, widest=width)
    if cost.working * 32 * 32 > memory:
        return
    rows, columns = choose_tile(shape, cost, memory=memory, n_tasks=n_tasks)
    assert 1 <= rows <= shape[0]
    assert 1 <= columns <= shape[1]
    assert rows * columns * cost.working <= memory
    assert rows * columns * width <= max(CHUNK_BYTES, 32 * 32 * width)


def test_too_little_memory_is_refused_with_figures():
    cost = PixelCost.computing(5200, 760, widest=2600)
    with pytest.raises(ResourceError, match=r"32 x 32 pixels needs 17 MiB per task, but only 10 MiB .*cluster.memory"):
        choose_tile((2000, 3200), cost, memory=10 * 2**20, n_tasks=2)
