"""Versions of the libraries that a fitted ensemble depends on."""

from importlib.metadata import packages_distributions, version

from cryoscale.errors import MissingExtraError

LIBRARIES = ("numpy", "sklearn", "xgboost", "catboost", "shap")


def library_versions() -> dict[str, str]:
    """Version of every library that learners are fitted by; another one may fit another model.

    Returns
    -------
    dict of str to str
        By name of the module: the wheels of one may have several names (``xgboost-cpu``).

    Raises
    ------
    MissingExtraError
        If one is not installed.

    Examples
    --------
    >>> sorted(library_versions())
    ['catboost', 'numpy', 'shap', 'sklearn', 'xgboost']
    """
    wheels = packages_distributions()
    lacking = [name for name in LIBRARIES if name not in wheels]
    if lacking:
        raise MissingExtraError(f"moisture: needs {', '.join(lacking)}: pip install 'cryoscale[moisture]'.")
    return {name: version(wheels[name][0]) for name in LIBRARIES}
