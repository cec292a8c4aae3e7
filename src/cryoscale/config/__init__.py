"""Configurations: strict models that load from YAML, explain what is wrong, and print themselves as a template."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from cryoscale.config.explaining import explain
from cryoscale.config.fields import ConfigFolder, ConfigInput, ConfigPath, MonthDay
from cryoscale.config.reading import assign, read_yaml
from cryoscale.config.template import template_lines
from cryoscale.errors import ConfigError

__all__ = ["Config", "ConfigFolder", "ConfigInput", "ConfigPath", "MonthDay"]


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
        content = read_yaml(path)
        for override in overrides:
            assign(content, override)
        try:
            return cls.model_validate(content, context={"folder": path.parent})
        except ValidationError as error:
            problems = "\n".join(f"  - {line}" for line in explain(error, cls))
            raise ConfigError(f"{path}: cannot be used as it is:\n{problems}") from None

    def to_yaml(self) -> str:
        """Every field with its value, as YAML that loads again."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)

    @classmethod
    def template(cls) -> str:
        """Every field with its description, unit and default, as commented YAML."""
        return "\n".join(template_lines(cls)) + "\n"
