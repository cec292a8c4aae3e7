"""Reading YAML and assignments of the command line."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from cryoscale.errors import ConfigError


class _Loader(yaml.SafeLoader):
    """YAML takes the last of two sections of one name, without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark)
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a file of ``key: value`` lines.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict

    Raises
    ------
    ConfigError
        If it cannot be read, is not YAML, has a key twice, or is no mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}). Write a new one with --template.") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not a text file in UTF-8. Write a new one with --template.") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not valid YAML: {_yaml_problem(error)}.") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: holds no 'key: value' lines. Write a new one with --template.")
    return content


_PLAIN = {
    "mapping values are not allowed here": "a second ': ' in one line, or a line that is indented too far",
    "could not find expected ':'": "a line without ': ' after its key",
    "found character '\\t' that cannot start any token": "a tab; indent with spaces",
}
"""What people do that YAML describes in its own words."""


def _yaml_problem(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return str(error)
    problem = _PLAIN.get(str(error.problem), error.problem)
    return f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {problem}"


def assign(content: dict[str, Any], override: str) -> None:
    """Put a value into what was read.

    Parameters
    ----------
    content : dict
        From `read_yaml`; changed.
    override : str
        ``key.sub=value``, its value as YAML.

    Raises
    ------
    ConfigError
        If it is written otherwise, or a section that it names is a value.
    """
    key, separator, text = override.partition("=")
    *parents, last = key.strip().split(".")
    if not separator or not last:
        raise ConfigError(f"--set {override}: write it as key=value, for example --set inversion.gamma=1e-3.")
    try:
        value = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override}: {text!r} is not valid YAML: {_yaml_problem(error)}.") from None
    for parent in parents:
        if content.get(parent) is None:  # a section that is left out, as templates show it
            content[parent] = {}
        content = content[parent]
        if not isinstance(content, dict):
            raise ConfigError(f"--set {override}: {parent!r} is a value, not a section.")
    content[last] = value
