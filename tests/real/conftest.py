"""Real data: found through an environment variable, skipped with a reason where there are none."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    root = Path(__file__).parents[2]
    folder = Path(os.environ.get("CRYOSCALE_REAL_DATA", root / "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; name their folder in CRYOSCALE_REAL_DATA")
    return folder
