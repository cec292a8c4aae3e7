"""Configurations: strict models that load from YAML, explain what is wrong, and print themselves as a template."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Self, get_origin

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    ValidationInfo,
)
from pydantic.fields import FieldInfo

from cryoscale.errors import ConfigError
from cryoscale.folders import Folder, folder_at


def _below_config(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return path if folder is None else Path(folder, path.expanduser())


ConfigPath = Annotated[Path, AfterValidator(_below_config)]
"""A path that is taken relative to the folder of the configuration file."""


def _folder_below_config(location: Any, info: ValidationInfo) -> Folder | None:
    if location is None:
        return None
    folder = folder_at(location)
    return _below_config(folder, info) if isinstance(folder, Path) else folder


ConfigFolder = Annotated[Folder, PlainValidator(_folder_below_config), PlainSerializer(str)]
"""A folder for stores: a path relative to that of the configuration file, or a URL such as ``s3://bucket/prefix``."""


class Config(BaseModel):
    """Base of every configuration: unknown keys are refused, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_enum_values=False, validate_default=True)

    @classmethod
    def load(cls, path: Path, overrides: Sequence[str] = ()) -> Self:
        """Read a YAML file, apply ``key.sub=value`` overrides, and check the whole.

        Parameters
        ----------
        path : Path
            The YAML file; paths in it are relative to its folder.
        overrides : sequence of str
            Dotted assignments whose values are read as YAML.

        Returns
        -------
        Config

        Raises
        ------
        ConfigError
            If the file cannot be read or a key or value is wrong; all problems are listed, with what was meant.
        """
        content = _read_yaml(path)
        for override in overrides:
            _assign(content, override)
        try:
            return cls.model_validate(content, context={"folder": path.parent})
        except ValidationError as error:
            problems = "\n".join(f"  - {line}" for line in _explain(error, cls))
            raise ConfigError(f"{path}: cannot be used as it is:\n{problems}") from None

    def to_yaml(self) -> str:
        """Every field with its value, as YAML that loads again."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    @classmethod
    def template(cls) -> str:
        """Every field with its description, unit and default, as commented YAML."""
        return "\n".join(_template_lines(cls)) + "\n"


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}). Write a new one with --template.") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: holds no 'key: value' lines. Write a new one with --template.")
    return content


def _assign(content: dict[str, Any], override: str) -> None:
    key, separator, value = override.partition("=")
    if not separator:
        raise ConfigError(f"--set {override}: write it as key=value, for example --set inversion.gamma=1e-3.")
    *parents, last = key.strip().split(".")
    for parent in parents:
        if content.get(parent) is None:  # a section that is left out, as templates show it
            content[parent] = {}
        content = content[parent]
        if not isinstance(content, dict):
            raise ConfigError(f"--set {override}: {parent!r} is a value, not a section.")
    content[last] = yaml.safe_load(value)


def _explain(error: ValidationError, model: type[Config]) -> Iterator[str]:
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = list(_section(model, problem["loc"][:-1]).model_fields)
            close = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(known)}."
            yield f"{where}: unknown key; {hint}"
        elif problem["type"] == "missing":
            yield f"{where}: is required."
        else:
            message = problem["msg"].removeprefix("Value error, ")
            yield f"{where or 'the whole'}: {message} (found {problem['input']!r})."


def _section(model: type[Config], location: Sequence[Any]) -> type[Config]:
    for part in (part for part in location if isinstance(part, str)):  # numbers count the items of a list
        nested = _nested(model.model_fields[part]) if part in model.model_fields else None
        if nested is None:
            return model
        model = nested
    return model


def _nested(field: FieldInfo) -> type[Config] | None:
    """The model of a section, also where the section may be left out."""
    candidates = getattr(field.annotation, "__args__", (field.annotation,))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, Config)), None)


def _template_lines(model: type[Config], indent: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield from (f"{indent}# {line}" for line in _describe(field))
        nested = _nested(field)
        if nested is not None and not field.is_required() and field.get_default(call_default_factory=True) is None:
            yield f"{indent}{name}: null"
            yield f"{indent}# {name}:"
            yield from (f"{indent}#   {line}" for line in _template_lines(nested))
        elif nested is not None and get_origin(field.annotation) is dict:
            yield f"{indent}{name}: {{}}"
            yield f"{indent}# {name}:"
            yield f"{indent}#   NAME:"
            yield from (f"{indent}#     {line}" for line in _template_lines(nested))
        elif nested is not None and _is_list(field):
            yield f"{indent}{name}:"
            yield from _as_item(_template_lines(nested), indent + "  ")
        elif nested is not None:
            yield f"{indent}{name}:"
            yield from _template_lines(nested, indent + "  ")
        elif field.is_required():
            yield f"{indent}{name}:  # required"
        else:
            yield f"{indent}{name}: {_scalar(field.get_default(call_default_factory=True))}"


def _is_list(field: FieldInfo) -> bool:
    return get_origin(field.annotation) in (tuple, list)


def _as_item(lines: Iterator[str], indent: str) -> Iterator[str]:
    """A section as the first item of a list: a dash before its first key, comments above it."""
    dashed = False
    for line in lines:
        opens = not dashed and not line.startswith("#")
        yield indent + ("- " if opens else "  ") + line
        dashed = dashed or opens


def _describe(field: FieldInfo) -> Iterator[str]:
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
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
