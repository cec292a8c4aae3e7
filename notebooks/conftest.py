"""How the notebooks run as tests: slow ones, warnings are errors, nothing is written beside them."""

from collections.abc import Generator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

HERE = Path(__file__).parent
SECONDS = 120  # a minute on a quiet machine; a busy one may take twice as long

STARTUP = r"""
import warnings

warnings.simplefilter("error")
warnings.filterwarnings("ignore", module=r"ipykernel|IPython|traitlets")  # the kernel's own code
warnings.filterwarnings("ignore", message="Use `@` matmul instead of", category=PendingDeprecationWarning)
"""
"""What the kernel runs before the first cell."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark the notebooks before markers select."""
    for item in items:
        if item.path.parent == HERE and item.path.suffix == ".ipynb":
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Give each kernel a profile of its own, so that it neither reads nor writes the user's."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        startup = Path(folder, "ipython/profile_default/startup")
        startup.mkdir(parents=True)
        (startup / "00_warnings.py").write_text(STARTUP, encoding="utf-8")
        patch.setenv("IPYTHONDIR", str(startup.parents[1]))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(Path(folder, "runtime")))
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Fail a notebook that leaves something beside it: it writes only into temporary folders."""
    before = set(HERE.iterdir())
    result = yield
    left = sorted(path.name for path in set(HERE.iterdir()) - before)
    assert not left, f"written beside the notebook: {left}"
    return result
