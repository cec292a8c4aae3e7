import io

import numpy as np
import pandas as pd
import pytest
from pyproj import Geod

from cryoscale.engine import Cluster, open_scheduler
from cryoscale.engine.overviews import write_overviews
from cryoscale.errors import ResourceError
from cryoscale.viewer import section as section_module
from cryoscale.viewer.raster import Layer
from cryoscale.viewer.section import read_section, section_csv
from cryoscale.viewer.source import open_source


def test_a_section_along_a_row(deformation):
    section = read_section(open_source(deformation), Layer("velocity"), (38.0305, 99.0005), (38.0305, 99.0395))
    np.testing.assert_array_equal(section.values, -0.5 * np.arange(40))
    length = Geod(ellps="WGS84").inv(99.0005, 38.0305, 99.0395, 38.0305)[2] / 1000
    assert section.distance[-1] == pytest.approx(length, rel=1e-6)
    assert section.label == "Velocity (mm a⁻¹)"


def test_a_diagonal_of_one_date_reaches_off_the_map(deformation):
    source = open_source(deformation)
    section = read_section(source, Layer("displacement", 5), (38.0505, 98.9905), (38.0305, 99.0105))
    assert len(section.values) == 21
    # Columns -10 to 10, rows 9 to 29: from the eleventh point on on the map.
    assert np.isnan(section.values[:10]).all()
    stored = source.data.displacement[5].values
    np.testing.assert_array_equal(section.values[10:], [stored[19 + i, i] for i in range(11)])


def test_metres_are_straight(make_deformation, tmp_path):
    source = open_source(make_deformation(tmp_path / "deformation.zarr", crs="EPSG:32647"))
    section = read_section(source, Layer("velocity"), (4_203_050.0, 500_050.0), (4_203_050.0, 503_950.0))
    assert section.distance[-1] == pytest.approx(3.9)
    np.testing.assert_array_equal(section.values, -0.5 * np.arange(40))


def test_a_long_section_is_read_from_an_overview(make_deformation, tmp_path, monkeypatch):
    path = make_deformation(tmp_path / "deformation.zarr")
    with open_scheduler(Cluster(workers=1)) as scheduler:
        write_overviews(path, scheduler=scheduler, coarsest=30)
    monkeypatch.setattr(section_module, "SAMPLES", 20)
    section = read_section(open_source(path), Layer("velocity"), (38.0305, 99.0005), (38.0305, 99.0395))
    assert section.factor == 1  # 39 pixels at 20 points: a level of 2 would be coarser than the points
    monkeypatch.setattr(section_module, "SAMPLES", 10)
    section = read_section(open_source(path), Layer("velocity"), (38.0305, 99.0005), (38.0305, 99.0395))
    assert section.factor == 2
    np.testing.assert_allclose(section.values, -0.5 * np.linspace(0, 39, 10), atol=0.5)


def test_a_section_as_a_table(deformation):
    section = read_section(open_source(deformation), Layer("velocity"), (38.0305, 99.0005), (38.0305, 99.0395))
    table = pd.read_csv(io.StringIO(section_csv(section, about=["velocity"])), comment="#")
    np.testing.assert_array_equal(table.value, section.values)
    assert list(table) == ["distance_km", "y", "x", "value"]


def test_a_section_that_costs_too_much_is_refused(deformation, monkeypatch):
    monkeypatch.setattr(section_module, "MOST_BYTES", 1000)
    with pytest.raises(ResourceError, match="this section would read"):
        read_section(open_source(deformation), Layer("displacement", 0), (38.03, 99.0), (38.03, 99.02))
