from enum import StrEnum
from pathlib import Path

import pytest
import yaml
from pydantic import Field

from cryoscale.config import Config, ConfigPath
from cryoscale.errors import ConfigError


class Model(StrEnum):
    LINEAR = "linear"
    PERIODIC = "periodic"


class Inversion(Config):
    gamma: float = Field(1e-4, gt=0, description="weight of the model", json_schema_extra={"unit": "1"})
    model: Model = Field(Model.LINEAR, description="temporal model")


class Example(Config):
    stack: ConfigPath = Field(description="folder of interferograms")
    inversion: Inversion = Field(Inversion(), description="the inversion")
    period: float = Field(1.0, description="period", json_schema_extra={"unit": "a"})
    name: str | None = Field(None, description="a name")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return path


def test_paths_are_relative_to_the_file(tmp_path):
    config = Example.load(write(tmp_path, "stack: data/pairs"))
    assert config.stack == tmp_path / "data/pairs"
    assert Example.load(write(tmp_path, "stack: /data")).stack == Path("/data")


def test_overrides_reach_into_sections(tmp_path):
    path = write(tmp_path, "stack: a\ninversion: {gamma: 1e-3}")
    config = Example.load(path, ["inversion.model=periodic", "period=0.5", "name=null"])
    assert (config.inversion.gamma, config.inversion.model, config.period) == (1e-3, Model.PERIODIC, 0.5)


def test_all_problems_are_named_with_what_was_meant(tmp_path):
    path = write(tmp_path, "inversion: {gama: 1, gamma: -2, model: cubic}\ncolour: red")
    with pytest.raises(ConfigError) as raised:
        Example.load(path)
    message = str(raised.value)
    assert message.startswith(f"{path}: cannot be used as it is:")
    assert "stack: is required." in message
    assert "inversion.gama: unknown key; did you mean 'gamma'?" in message
    assert "inversion.gamma: Input should be greater than 0 (found -2)." in message
    assert "inversion.model: Input should be 'linear' or 'periodic' (found 'cubic')." in message
    assert "colour: unknown key; known are: stack, inversion, period, name." in message


@pytest.mark.parametrize(
    ("text", "message"), [("- a\n- b", "holds no 'key: value' lines"), ("a: [", "is not valid YAML")]
)
def test_files_that_are_no_configuration(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        Example.load(write(tmp_path, text))


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere.yaml: cannot be read \(No such file or directory\)"):
        Example.load(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(("override", "message"), [("gamma", "write it as key=value"), ("stack.a=1", "is a value")])
def test_bad_overrides(tmp_path, override, message):
    with pytest.raises(ConfigError, match=message):
        Example.load(write(tmp_path, "stack: a"), [override])


def test_the_template_explains_every_field_and_loads(tmp_path):
    text = Example.template()
    assert text.splitlines() == [
        "# folder of interferograms",
        "stack:  # required",
        "# the inversion",
        "inversion:",
        "  # weight of the model [1]",
        "  gamma: 0.0001",
        "  # temporal model",
        "  # one of: linear, periodic",
        "  model: linear",
        "# period [a]",
        "period: 1.0",
        "# a name",
        "name: null",
    ]
    filled = text.replace("stack:  # required", "stack: here")
    assert Example.load(write(tmp_path, filled)) == Example(stack=tmp_path / "here")


def test_what_is_saved_loads_again(tmp_path):
    config = Example(stack=tmp_path / "a", inversion=Inversion(model=Model.PERIODIC))
    assert Example.load(write(tmp_path, config.to_yaml())) == config
    assert yaml.safe_load(config.to_yaml())["inversion"]["model"] == "periodic"


class Item(Config):
    path: str = Field(description="where")
    size: int = 3


class Listing(Config):
    items: tuple[Item, ...] = Field(description="what there is")


def test_the_template_of_a_list_of_sections_is_its_first_item():
    assert Listing.template() == "# what there is\nitems:\n    # where\n  - path:  # required\n    size: 3\n"


def test_an_unknown_key_in_a_list_names_its_item(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("items: [{path: a}, {pth: b}]")
    with pytest.raises(ConfigError, match=r"items\.1\.pth: unknown key; did you mean 'path'"):
        Listing.load(path)


class Item(Config):
    """One of many."""

    path: str = Field(description="where it is")
    unit: str = Field("1", description="of its values")


class Named(Config):
    """Sections by name."""

    items: dict[str, Item] = Field({}, description="by name")


def test_a_template_shows_what_goes_under_names_that_the_user_gives(tmp_path):
    text = Named.template()
    assert "items: {}" in text
    assert "#   NAME:" in text
    assert "#     path:  # required" in text
    file = tmp_path / "config.yaml"
    file.write_text(text)
    assert Named.load(file).items == {}
    file.write_text("items: {ndvi: {path: a.tif}}")
    assert Named.load(file).items["ndvi"].unit == "1"


def test_a_wrong_key_below_a_name_is_explained(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("items: {ndvi: {path: a.tif, units: m}}")
    with pytest.raises(ConfigError, match="items.ndvi.units: unknown key; did you mean 'unit'"):
        Named.load(file)


class Optional(Config):
    """With a section that may be left out."""

    inversion: Inversion | None = Field(None, description="the inversion")


def test_a_field_of_a_section_that_is_left_out_can_be_set(tmp_path):
    file = write(tmp_path, "inversion: null\n")
    assert Optional.load(file, ["inversion.gamma=0.5"]).inversion == Inversion(gamma=0.5)
