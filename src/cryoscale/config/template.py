"""A model as commented YAML, with every field's description, unit and default."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo


def section_of(model: type[BaseModel], location: Sequence[Any]) -> type[BaseModel]:
    """Model of a section, as far as the location leads to one.

    Parameters
    ----------
    model : type
        Of the whole configuration.
    location : sequence
        Names of sections, and numbers of items in lists.

    Returns
    -------
    type
    """
    for part in (part for part in location if isinstance(part, str)):  # numbers count the items of a list
        nested = nested_model(model.model_fields[part]) if part in model.model_fields else None
        if nested is None:
            return model
        model = nested
    return model


def nested_model(field: FieldInfo) -> type[BaseModel] | None:
    """The model of a section, also where the section may be left out."""
    candidates = getattr(field.annotation, "__args__", (field.annotation,))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


def template_lines(model: type[BaseModel], indent: str = "", *, default: BaseModel | None = None) -> Iterator[str]:
    """Every field below its description.

    Parameters
    ----------
    model : type
        Of a configuration or a section.
    indent : str
        Of every line.
    default : pydantic.BaseModel, optional
        What the section is if it is left out; without, its fields have defaults of their own, or none.

    Yields
    ------
    str
    """
    for name, field in model.model_fields.items():
        yield from (f"{indent}# {line}" for line in describe(field))
        required = default is None and field.is_required()
        value = None if required else _default(field) if default is None else getattr(default, name)
        nested = nested_model(field)
        if nested is None or (value and not isinstance(value, BaseModel) and not required):
            yield f"{indent}{name}:{'  # required' if required else f' {_scalar(value)}'}"
        elif required:
            yield from (indent + line for line in _example(name, field, nested))
        elif value:
            yield f"{indent}{name}:"
            yield from template_lines(nested, indent + "  ", default=value)
        else:
            yield f"{indent}{name}: {_scalar(value)}"
            yield from (f"{indent}# {line}" for line in _example(name, field, nested))


def _default(field: FieldInfo) -> Any:
    return field.get_default(call_default_factory=True)


def _example(name: str, field: FieldInfo, nested: type[BaseModel]) -> Iterator[str]:
    """What a section, a list of sections, or sections by name may hold."""
    yield f"{name}:"
    if get_origin(field.annotation) is dict:
        yield "  NAME:"
        yield from template_lines(nested, "    ")
    elif _is_list(field):
        yield from _as_item(template_lines(nested), "  ")
    else:
        yield from template_lines(nested, "  ")


def _is_list(field: FieldInfo) -> bool:
    return get_origin(field.annotation) in (tuple, list)


def _as_item(lines: Iterator[str], indent: str) -> Iterator[str]:
    """A section as the first item of a list: a dash before its first key, comments above it."""
    dashed = False
    for line in lines:
        opens = not dashed and not line.startswith("#")
        yield indent + ("- " if opens else "  ") + line
        dashed = dashed or opens


def describe(field: FieldInfo) -> Iterator[str]:
    """What a field is, with its unit, and what may be chosen.

    Parameters
    ----------
    field : pydantic.fields.FieldInfo
        Of a model.

    Yields
    ------
    str
        One line, or two.
    """
    extra = field.json_schema_extra
    unit = extra.get("unit") if isinstance(extra, Mapping) else None
    text = (field.description or "") + (f" [{unit}]" if unit else "")
    choices = next((a for a in (field.annotation, *getattr(field.annotation, "__args__", ())) if _is_enum(a)), None)
    if text:
        yield text
    if choices is not None:
        yield "one of: " + ", ".join(str(choice.value) for choice in choices)


def _is_enum(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Enum)


def _scalar(value: Any) -> str:
    return yaml.safe_dump(_plain(value), default_flow_style=True).strip().removesuffix("\n...").strip()


def _plain(value: Any) -> Any:
    """What YAML can say."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return str(value) if isinstance(value, Path) else value
