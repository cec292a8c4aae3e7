"""What is wrong with a configuration, in words that name the field and what may have been meant."""

import difflib
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from cryoscale.config.template import describe, nested_model, section_of

_MEANT = {
    "bool": "must be true or false",
    "dict": "must be a section of 'key: value' lines",
    "float": "must be a number",
    "int": "must be a whole number",
    "list": "must be a list",
    "missing": "is required",
    "model": "must be a section of 'key: value' lines",
    "path": "must be a path",
    "string": "must be text",
    "tuple": "must be a list",
}
"""What a value should be, by the first word of pydantic's names for what is wrong with its type."""


_LONG = 80  # as of a whole section
_TYPE = re.compile(r"[\[(]|^(int|float|str|bool)$")  # of several that a field may have, among names of fields


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Say what is wrong, a line for each problem.

    Parameters
    ----------
    error : pydantic.ValidationError
        Of the model.
    model : type
        Of the whole configuration.

    Yields
    ------
    str
    """
    for location, problem in _surest(error).items():
        where = ".".join(map(str, location)) or "the whole"
        if problem["type"] == "extra_forbidden":
            yield f"{where}: unknown key; {_known(model, location)}"
        else:
            field = section_of(model, location[:-1]).model_fields.get(str(location[-1])) if location else None
            yield f"{where}: {_wrong(problem, field)}.{_meaning(field)}"


def _surest(error: ValidationError) -> dict[tuple[Any, ...], Any]:
    """Problems by location: of several types that would do, that of the one that was meant; of lists, their items'."""
    found: dict[tuple[Any, ...], Any] = {}
    for problem in error.errors():
        location = tuple(part for part in problem["loc"] if not _TYPE.search(str(part)))
        if location not in found or (_is_of_type(found[location]) and not _is_of_type(problem)):
            found[location] = problem
    lists = {location[:i] for location in found for i, part in enumerate(location) if isinstance(part, int)}
    return {location: problem for location, problem in found.items() if location not in lists}


def _is_of_type(problem: Any) -> bool:
    return str(problem["type"]).endswith("_type")


def _wrong(problem: Any, field: FieldInfo | None) -> str:
    kind, _, rest = str(problem["type"]).partition("_")
    message = str(problem["msg"]).removeprefix("Value error, ").rstrip(".")
    if problem["input"] is None and field is not None and field.is_required():  # as the template leaves it
        return _MEANT["missing"]
    if rest in {"type", "parsing", "from_float"} or kind == "missing":
        message = _MEANT.get(kind, message)
    message = message.replace("Input should be", "must be")
    message = re.sub(r"^(Tuple|List) should have (.*) after validation, not \d+$", r"must have \2", message)
    value = problem["input"]
    if kind in {"enum", "literal"} and (close := difflib.get_close_matches(str(value), message.split("'"), n=1)):
        message += f"; did you mean {close[0]!r}?"
    found = "null" if value is None else repr(value)
    return message if isinstance(value, dict) or len(found) > _LONG else f"{message} (found {found})"


def _known(model: type[BaseModel], location: tuple[Any, ...]) -> str:
    """What may have been meant by a key: one that is written alike, one of the same name elsewhere, or any."""
    known, key = list(section_of(model, location[:-1]).model_fields), str(location[-1])
    close = difflib.get_close_matches(key, known, n=1)
    elsewhere = [name for name in _dotted(model) if name.rpartition(".")[2] == key]
    if close or len(elsewhere) == 1:
        return f"did you mean {(close or elsewhere)[0]!r}?"
    return f"known are: {', '.join(known)}."


def _dotted(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield prefix + name
        if (nested := nested_model(field)) is not None:
            yield from _dotted(nested, f"{prefix}{name}.")


def _meaning(field: FieldInfo | None) -> str:
    """What the template says of a value."""
    said = next(describe(field), None) if field is not None and nested_model(field) is None else None
    return f" The template says: {said}." if said else ""
