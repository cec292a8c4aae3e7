"""A product ends with the overviews of its store; this scene has some once little counts as large."""

from functools import partial

import numpy as np

from cryoscale.engine.overviews import open_overviews, overview_folder, write_overviews_if_large
from cryoscale.folders import files_below
from cryoscale.products import deformation
from cryoscale.schemas import require_valid
from cryoscale.store import fingerprint, open_store


def test_a_run_ends_with_overviews_that_go_on_where_they_were_stopped(config, monkeypatch):
    store = deformation.run(config).store
    folder, before = overview_folder(store), fingerprint([store])
    assert not folder.exists()
    assert "overviews of deformation" not in [step.name for step in deformation.plan(config).steps]

    lowered = partial(write_overviews_if_large, large=80, coarsest=40)
    monkeypatch.setattr(deformation, "write_overviews_if_large", lowered)
    deformation.run(config)
    levels = open_overviews(store, open_store(store))
    assert list(levels) == [2, 4]
    rate, coarse = (open_store(path).deformation_rate.values for path in (store, levels[2]))
    np.testing.assert_allclose(coarse[0, 0], np.nanmean(rate[:2, :2]), rtol=1e-6)
    require_valid(folder)

    written = {name: (folder / name).stat().st_mtime_ns for name in files_below(folder)}
    lost = levels[4] / "deformation_rate/c/0/0"
    content = lost.read_bytes()
    lost.unlink()
    deformation.run(config)
    assert lost.read_bytes() == content
    finest = {name: time for name, time in written.items() if name.startswith("2/")}
    assert {name: (folder / name).stat().st_mtime_ns for name in finest} == finest
    assert fingerprint([store]) == before
