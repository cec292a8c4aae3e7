"""The picture of the house shows the layers that the import contracts hold."""

import importlib.util
import re
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def house() -> ModuleType:
    spec = importlib.util.spec_from_file_location("house", DOCS / "_extensions/house.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_room_is_drawn_below_those_that_use_it(house: ModuleType):
    drawn = {
        name: float(top)
        for top, name in re.findall(r'<text x="[^"]*" y="([^"]*)">([^<]+)</text>', house.draw(house.layers()))
    }
    source = Path(house.PROJECT).parent / "src/cryoscale"
    rooms = {path.stem for path in source.iterdir() if path.suffix == ".py" or path.is_dir()} - {
        "__init__",
        "__main__",
        "__pycache__",
    }
    assert set(drawn) == rooms
    assert drawn["cli"] < drawn["products"] < drawn["readers"] < drawn["insar"] < drawn["stats"] < drawn["errors"]
    assert drawn["insar"] == drawn["thermal"]


def test_rooms_of_a_floor_do_not_overlap(house: ModuleType):
    boxes = re.findall(
        r'<rect x="([\d.]+)" y="5" width="([\d.]+)"', house.draw([["a", "b", "c"]]).replace('y="0"', 'y="5"')
    )
    edges = [(float(left), float(left) + float(width)) for left, width in boxes]
    assert len(edges) == 3
    assert all(first[1] < second[0] for first, second in pairwise(edges))
