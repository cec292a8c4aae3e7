"""What a regression on boreholes needs: a table that can be trusted, and the columns that its predictors make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

import numpy as np
import pandas as pd

from cryoscale.errors import InputError

Values = np.ndarray[Any, Any]

PREDICTORS = ("elevation", "longitude", "latitude", "vegetation", "aspect", "slope")
OTHER = "other"

_RANGES = {
    "elevation": (-500.0, 9000.0, "m"),
    "longitude": (-180.0, 180.0, "degree"),
    "latitude": (-90.0, 90.0, "degree"),
    "aspect": (0.0, 360.0, "degree clockwise from north"),
    "slope": (0.0, 90.0, "degree"),
    "magt": (-25.0, 25.0, "degC"),
}


class AspectTerms(StrEnum):
    """How aspect enters: by its parts to the east and to the north, or by the part to the north alone."""

    SINE_COSINE = "sine_cosine"
    NORTHNESS = "northness"


class SparseClasses(StrEnum):
    """What becomes of classes of vegetation with fewer than two boreholes.

    ``refuse``: a class with one borehole is an error, and pixels of a class without any have no temperature.
    ``pool``: classes with one borehole are merged into the class ``other``, which pixels of classes without any get
    too, where there is such a class.
    """

    REFUSE = "refuse"
    POOL = "pool"


@dataclass(frozen=True)
class Design:
    """Columns of the regression, and the class of vegetation whose mean the intercept holds.

    Attributes
    ----------
    predictors : tuple of str
        Out of `PREDICTORS`.
    aspect_terms : AspectTerms
        How aspect enters.
    level_of : mapping of str to str
        Level of each class of vegetation of the boreholes: itself, or `OTHER`.
    levels : tuple of str
        Levels of vegetation, the one with most boreholes first: the reference.
    sparse_classes : SparseClasses
        Whether classes without boreholes get the level `OTHER`.
    """

    predictors: tuple[str, ...]
    aspect_terms: AspectTerms
    level_of: Mapping[str, str]
    levels: tuple[str, ...]
    sparse_classes: SparseClasses

    @classmethod
    def of(
        cls,
        boreholes: pd.DataFrame,
        *,
        predictors: Sequence[str],
        aspect_terms: AspectTerms,
        sparse_classes: SparseClasses,
    ) -> Self:
        """Design for boreholes that `check_boreholes` has passed.

        Parameters
        ----------
        boreholes : pandas.DataFrame
            With a column for each predictor.
        predictors, aspect_terms, sparse_classes
            See the class.

        Returns
        -------
        Design

        Raises
        ------
        InputError
            If a class of vegetation has a single borehole and may not, or cannot, be pooled.
        """
        level_of: dict[str, str] = {}
        if "vegetation" in predictors:
            counts = boreholes["vegetation"].value_counts()
            pooled = SparseClasses(sparse_classes) is SparseClasses.POOL
            level_of = {name: OTHER if pooled and counts[name] < 2 else name for name in sorted(counts.index)}
            of_level = boreholes["vegetation"].map(level_of).value_counts()
            single = sorted(of_level.index[of_level < 2])
            if single:
                raise InputError(
                    f"boreholes: the vegetation {', '.join(single)} has a single borehole, to which its coefficient "
                    "would be fitted exactly. Rename it as a class that is like it, or pool such classes "
                    "(SparseClasses.POOL), of which there must be two boreholes."
                )
        whole = cls(tuple(predictors), AspectTerms(aspect_terms), level_of, (), SparseClasses(sparse_classes))
        return whole.restricted_to(boreholes)

    def restricted_to(self, boreholes: pd.DataFrame) -> Self:
        """Design with the levels of vegetation that some of the boreholes have.

        Parameters
        ----------
        boreholes : pandas.DataFrame
            Some of those that it was made for.

        Returns
        -------
        Design
        """
        if "vegetation" not in self.predictors:
            return self
        counts = boreholes["vegetation"].map(self.level_of).value_counts()
        levels = tuple(sorted(counts.index, key=lambda level: (-counts[level], level)))
        return replace(self, levels=levels)

    @property
    def terms(self) -> dict[str, tuple[str, ...]]:
        """Columns of each predictor; none of a vegetation that has one level."""
        columns: dict[str, tuple[str, ...]] = {name: (name,) for name in self.predictors}
        if "aspect" in columns:
            both = self.aspect_terms is AspectTerms.SINE_COSINE
            columns["aspect"] = ("aspect_sin", "aspect_cos") if both else ("aspect_cos",)
        if "vegetation" in columns:
            columns["vegetation"] = tuple(f"vegetation[{level}]" for level in self.levels[1:])
        return columns

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return ("intercept", *(column for columns in self.terms.values() for column in columns))

    def levels_of(self, classes: Sequence[str]) -> Values:
        """Position of the level of each class, -1 for one that has none.

        Parameters
        ----------
        classes : sequence of str
            Names of classes of vegetation.

        Returns
        -------
        numpy.ndarray
            int64, of the same length.
        """
        otherwise = OTHER if self.sparse_classes is SparseClasses.POOL else ""
        position = {level: at for at, level in enumerate(self.levels)}
        return np.array([position.get(self.level_of.get(name, otherwise), -1) for name in classes], np.int64)

    def columns(self, values: Mapping[str, Values]) -> list[Values]:
        """Columns of the regression for places.

        Parameters
        ----------
        values : mapping of str to numpy.ndarray
            (m,) of each predictor, and of slope where aspect is one; ``vegetation`` as positions of levels (one that
            has none, -1, makes the columns of the reference).

        Returns
        -------
        list of numpy.ndarray
            (m,) float64 in the order of `names`.
        """
        made: dict[str, Values] = {name: values[name] for name in self.predictors}
        if "aspect" in made:
            made["aspect_sin"], made["aspect_cos"] = aspect_parts(values["aspect"], values["slope"])
        if "vegetation" in made:
            made |= {f"vegetation[{level}]": values["vegetation"] == at for at, level in enumerate(self.levels)}
        some = next(iter(made.values()))
        return [np.ones(len(some)), *(np.asarray(made[name], np.float64) for name in self.names[1:])]

    def rows_of(self, boreholes: pd.DataFrame) -> dict[str, Values]:
        """Values of boreholes as `columns` takes them.

        Parameters
        ----------
        boreholes : pandas.DataFrame
            From `check_boreholes`.

        Returns
        -------
        dict of str to numpy.ndarray
            (n,) of every column.
        """
        numbers = [name for name in boreholes.columns if name != "vegetation"]
        rows = {name: boreholes[name].to_numpy(np.float64) for name in numbers}
        if "vegetation" in boreholes:
            rows["vegetation"] = self.levels_of(boreholes["vegetation"].tolist())
        return rows


def aspect_parts(aspect: Values, slope: Values) -> tuple[Values, Values]:
    """Parts of the aspect to the east and to the north, both 0 on flat ground, which has none.

    Parameters
    ----------
    aspect, slope : numpy.ndarray
        Degree, of one shape.

    Returns
    -------
    tuple of numpy.ndarray
        Sine and cosine, float64.
    """
    angle = np.deg2rad(np.asarray(aspect, np.float64))
    flat = slope == 0.0
    return np.where(flat, 0.0, np.sin(angle)), np.where(flat, 0.0, np.cos(angle))


def columns_needed(predictors: Sequence[str]) -> tuple[str, ...]:
    """Columns that predictors are made of: aspect needs slope, to know where the ground is flat.

    Parameters
    ----------
    predictors : sequence of str
        Out of `PREDICTORS`.

    Returns
    -------
    tuple of str
    """
    return tuple(name for name in PREDICTORS if name in predictors or (name == "slope" and "aspect" in predictors))


def check_boreholes(
    boreholes: pd.DataFrame, *, predictors: Sequence[str], response: str | None = "magt"
) -> pd.DataFrame:
    """Refuse boreholes that would give a wrong regression.

    Parameters
    ----------
    boreholes : pandas.DataFrame
        One row a borehole: longitude and latitude (degree, WGS84), the columns of the predictors, the response, and
        ``borehole``, a name for messages (else the index).
    predictors : sequence of str
        Out of `PREDICTORS`.
    response : str, optional
        Column of the ground temperature, degC; None for boreholes to predict.

    Returns
    -------
    pandas.DataFrame
        The columns that count, indexed by the boreholes' names.

    Raises
    ------
    InputError
        If predictors are unknown, columns are missing, boreholes lack a value, repeat a name or a place, have an
        aspect on flat ground, a class of vegetation without a name, or a value that cannot be.
    """
    needed = _required_columns(boreholes, predictors, response)
    table = boreholes[needed].set_axis(_labels(boreholes), axis="index")
    _refuse_incomplete(table)
    if "vegetation" in needed:
        _refuse_codes(table["vegetation"])
    for name in needed:
        if name != "vegetation":
            _refuse_implausible(table[name].astype(np.float64), *_RANGES[name])
    if "aspect" in needed:
        _refuse(
            table["aspect"].notna() & (table["slope"] == 0.0),
            "have an aspect, but their slope is 0: flat ground has none. Leave their aspect empty",
        )
    if response is not None:
        _refuse(pd.Series(table.index.duplicated(keep=False), table.index), "share a name with another. Rename them")
        _refuse(
            table.duplicated(["longitude", "latitude"], keep=False),
            "lie at the very place of another: duplicates would count twice. Keep one of them, or their mean",
        )
    return table


def _required_columns(boreholes: pd.DataFrame, predictors: Sequence[str], response: str | None) -> list[str]:
    unknown = [name for name in predictors if name not in PREDICTORS]
    if unknown or not predictors or len(set(predictors)) < len(predictors):
        raise InputError(f"predictors: are {list(predictors)}; give some of {', '.join(PREDICTORS)}, each once.")
    needed = dict.fromkeys((*columns_needed(predictors), "longitude", "latitude"))
    columns = [*needed, *([] if response is None else [response])]
    absent = [name for name in columns if name not in boreholes]
    if absent:
        raise InputError(f"boreholes: lack the columns {absent}; they hold {list(boreholes.columns)}.")
    return columns


def _labels(boreholes: pd.DataFrame) -> pd.Index:
    return pd.Index(boreholes.get("borehole", boreholes.index).astype(str))


def _refuse(wrong: "pd.Series[bool]", what: str) -> None:
    if wrong.any():
        names = wrong.index[wrong].tolist()
        listed = ", ".join(names[:10]) + (" ..." if len(names) > 10 else "")
        raise InputError(f"boreholes: {listed} {what}.")


def _refuse_incomplete(table: pd.DataFrame) -> None:
    """Aspect may be missing on flat ground."""
    missing = table.isna()
    if "aspect" in table:
        missing["aspect"] &= table["slope"] != 0.0
    lacking = ", ".join(table.columns[missing.any()])
    _refuse(missing.any(axis=1), f"have no value of {lacking}. Complete them or leave them out")


def _refuse_codes(vegetation: "pd.Series[Any]") -> None:
    named = vegetation.map(lambda name: isinstance(name, str) and name.split() == [name])
    codes = sorted({repr(code) for code in vegetation[~named]})
    _refuse(~named, f"have the vegetation {', '.join(codes)}: give each class, and each code, a name of one word")


def _refuse_implausible(values: "pd.Series[float]", low: float, high: float, unit: str) -> None:
    found = ~values.between(low, high) & values.notna()
    worst = values[found].iloc[0] if found.any() else np.nan
    _refuse(
        found,
        f"have {values.name} outside {low:g} to {high:g} {unit} (the first: {worst:g}). Check its unit, and leave "
        "codes of missing values empty",
    )
