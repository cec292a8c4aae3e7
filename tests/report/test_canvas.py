"""Figures that leave no trace: the same bytes, no global state, safe in threads."""

import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import matplotlib.pyplot as plt
import numpy as np

from cryoscale.report import figure_png, map_figure, save_png


def chunks_of(png):
    """Types of the chunks of a PNG, after a check of their checksums."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    position, kinds = 8, []
    while position < len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        kind, body = png[position + 4 : position + 8], png[position + 8 : position + 8 + length]
        (crc,) = struct.unpack(">I", png[position + 8 + length : position + 12 + length])
        assert crc == zlib.crc32(kind + body)
        kinds.append(kind)
        position += 12 + length
    return kinds


def test_the_same_figure_gives_the_same_bytes_and_says_nothing_of_when(make_map):
    rate = make_map(np.random.default_rng(0).normal(size=(20, 30)))
    first, again = figure_png(map_figure(rate)), figure_png(map_figure(rate))
    assert first == again
    assert set(chunks_of(first)) == {b"IHDR", b"pHYs", b"IDAT", b"IEND"}


def test_saved_is_what_is_encoded(make_map, tmp_path):
    axes = map_figure(make_map(np.eye(20)))
    path = save_png(axes, tmp_path / "map.png")
    assert path.read_bytes() == figure_png(axes)


def test_figures_are_unknown_to_pyplot_and_drawn_in_threads_alike(make_map):
    known = plt.get_fignums()
    maps = [make_map(np.random.default_rng(seed).normal(size=(20, 20))) for seed in range(4)]
    alone = [figure_png(map_figure(array)) for array in maps]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda array: figure_png(map_figure(array)), maps))
    assert together == alone
    assert plt.get_fignums() == known
