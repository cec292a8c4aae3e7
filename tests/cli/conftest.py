"""The command line as a process of its own, as users start it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cryoscale.cli import main

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cryoscale(tmp_path: Path) -> Run:
    """Runs a command in the test's folder; no way to fail may end in a traceback."""

    def run(*arguments: object, prefix: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
        command = [*prefix, sys.executable, "-m", "cryoscale", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture
def refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The message of a command that cannot do what it is asked, run in the test's folder by this process."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["cryoscale", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr().err
        assert ended.value.code == 1
        return said[said.index("error: ") + len("error: ") :]

    return run
