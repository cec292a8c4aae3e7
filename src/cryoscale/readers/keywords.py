"""Text files of keywords beside interferograms: GAMMA's ``.par``, LiCSAR's ``metadata.txt``, HyP3's ``.txt``."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cryoscale.errors import InputError

Keywords = Mapping[str, str]


def read_keywords(path: Path, *, separator: str) -> Keywords:
    """Keywords and values of a text file, one a line.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    separator : str
        What stands between keyword and value; lines without it are passed over.

    Returns
    -------
    mapping of str to str
        Without surrounding blanks.

    Raises
    ------
    InputError
        If it cannot be read as text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text ({error}). Copy it again or take it away.") from error
    split = (line.partition(separator) for line in lines if separator in line)
    return {key.strip(): value.strip() for key, _, value in split}


def number(keywords: Keywords, key: str, *, path: Path) -> float | None:
    """The number that a keyword's value starts with.

    Parameters
    ----------
    keywords : mapping of str to str
        From `read_keywords`.
    key : str
        The keyword.
    path : pathlib.Path
        The file, for the message.

    Returns
    -------
    float or None
        None if the keyword is not there.

    Raises
    ------
    InputError
        If the value is not a finite number.
    """
    if key not in keywords:
        return None
    try:
        value = float(keywords[key].split()[0])
    except (ValueError, IndexError):
        value = np.nan
    if not np.isfinite(value):
        raise InputError(f"{path}: {key} should be a number but is {keywords[key]!r}.")
    return value


def agreed(headers: Mapping[Path, Keywords], key: str, *, unit: str, tolerance: float) -> float | None:
    """The value on which all headers agree.

    Parameters
    ----------
    headers : mapping of pathlib.Path to keywords
        All headers of a stack.
    key : str
        The keyword.
    unit : str
        Unit of the value, for the message.
    tolerance : float
        Largest difference from the median that is no disagreement, in `unit`.

    Returns
    -------
    float or None
        The median; None if no header has the keyword.

    Raises
    ------
    InputError
        If a header differs, named with its value.
    """
    found = {path: number(keywords, key, path=path) for path, keywords in headers.items()}
    values = {path: value for path, value in found.items() if value is not None}
    if not values:
        return None
    median = float(np.median(list(values.values())))
    path, worst = max(values.items(), key=lambda item: abs(item[1] - median))
    if abs(worst - median) > tolerance:
        raise InputError(
            f"{path}: {key} is {worst:.10g} {unit}, but {median:.10g} {unit} in most headers. "
            "A stack must come from one sensor and one track: take this acquisition out."
        )
    return median
