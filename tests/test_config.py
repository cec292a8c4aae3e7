import re
from enum import StrEnum
from pathlib import Path

import pytest
import yaml
from pydantic import Field

from cryoscale.config import Config, ConfigInput, ConfigPath, MonthDay
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
    limit: float | str = Field(1.0, description="a number, or a name")


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
    assert "stack: is required. The template says: folder of interferograms." in message
    assert "inversion.gama: unknown key; did you mean 'gamma'?" in message
    assert "inversion.gamma: must be greater than 0 (found -2). The template says: weight of the model [1]." in message
    assert "inversion.model: must be 'linear' or 'periodic' (found 'cubic')." in message
    assert "colour: unknown key; known are: stack, inversion, period, name, limit." in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b", "holds no 'key: value' lines"),
        ("", "holds no 'key: value' lines"),
        ("a: [", "is not valid YAML: line 1, column 5: expected the node content, but found '<stream end>'."),
        ("a: 1\na: 2", "is not valid YAML: line 2, column 1: the key 'a' is there twice."),
        ("a:\n  b: {c: 1, c: 2}", "line 2, column 13: the key 'c' is there twice."),
        ("a: b: c", "line 1, column 5: a second ': ' in one line, or a line that is indented too far."),
        ("a:\n\tb: 1", "line 2, column 1: a tab; indent with spaces."),
        ("a: 1\nb", "a line without ': ' after its key"),
    ],
)
def test_files_that_are_no_configuration(tmp_path, text, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        Example.load(write(tmp_path, text))


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "config.yaml").write_bytes(b"\x93NUMPY\x00\xff")
    with pytest.raises(ConfigError, match="is not a text file in UTF-8"):
        Example.load(tmp_path / "config.yaml")


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere.yaml: cannot be read \(No such file or directory\)"):
        Example.load(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("gamma", "write it as key=value"),
        ("=1", "write it as key=value"),
        ("stack.a=1", "is a value"),
        ("inversion.gamma=[1", r"'\[1' is not valid YAML: line 1, column 3"),
    ],
)
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
        "# a number, or a name",
        "limit: 1.0",
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
    items: tuple[Item, ...] = Field(min_length=1, description="what there is")


def test_the_template_of_a_list_of_sections_is_its_first_item():
    assert Listing.template() == "# what there is\nitems:\n    # where\n  - path:  # required\n    size: 3\n"


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ("[]", "items: must have at least 1 item (found [])."),
        ("[{size: 1}]", "items.0.path: is required. The template says: where."),
        ("[{path: null}]", "items.0.path: is required. The template says: where."),
    ],
)
def test_what_is_wrong_with_a_list_is_said_once(tmp_path, items, message):
    with pytest.raises(ConfigError) as raised:
        Listing.load(write(tmp_path, f"items: {items}"))
    assert str(raised.value).splitlines()[1:] == [f"  - {message}"]


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


class Several(Config):
    """With lists of sections, and a section that differs from its own defaults."""

    others: tuple[Item, ...] = Field((), description="more of them")
    best: Item = Field(Item(path="here", unit="m"), description="the one that counts")


def test_a_template_shows_what_is_used_if_nothing_is_changed(tmp_path):
    text = Several.template()
    assert text.splitlines() == [
        "# more of them",
        "others: []",
        "# others:",
        "#     # where it is",
        "#   - path:  # required",
        "#     # of its values",
        "#     unit: '1'",
        "# the one that counts",
        "best:",
        "  # where it is",
        "  path: here",
        "  # of its values",
        "  unit: m",
    ]
    assert Several.load(write(tmp_path, text)) == Several()


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


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("limit=[a]", "  - limit: must be a number (found ['a']). The template says: a number, or a name."),
        ("period=5 years", "period: must be a number (found '5 years'). The template says: period [a]."),
        ("inversion=3", "inversion: must be a section of 'key: value' lines (found 3)."),
        ("inversion=null", "inversion: must be a section of 'key: value' lines (found null)."),
        ("inversion.model=liner", "must be 'linear' or 'periodic'; did you mean 'linear'? (found 'liner')."),
        ("name=4", "name: must be text (found 4). The template says: a name."),
        ("stack=[a]", "stack: must be a path (found ['a'])."),
        ("gamma=1", "gamma: unknown key; did you mean 'inversion.gamma'?"),
    ],
)
def test_wrong_values_are_explained_in_plain_words(tmp_path, override, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        Example.load(write(tmp_path, "stack: a"), [override])


class Files(Config):
    """What a run reads."""

    dem: ConfigInput | tuple[ConfigInput, ...] = Field(description="one or several")
    start: MonthDay = Field("05-01", description="first day")


def test_inputs_must_be_there_when_a_configuration_is_loaded(tmp_path):
    (tmp_path / "north.tif").touch()
    (tmp_path / "south.tif").touch()
    path = write(tmp_path, "dem: [north.tif, south.tif]")
    assert Files.load(path).dem == (tmp_path / "north.tif", tmp_path / "south.tif")
    assert Files(dem=Path("later.tif")).dem == Path("later.tif")
    with pytest.raises(
        ConfigError, match=rf"dem.1: {tmp_path}/soth.tif is not there; did you mean {tmp_path}/south.tif"
    ):
        Files.load(path, ["dem=[north.tif, soth.tif]"])
    with pytest.raises(ConfigError, match=rf"{tmp_path}/a/b.tif is not there; {tmp_path} holds no 'a'") as raised:
        Files.load(path, ["dem=a/b.tif"])
    assert str(raised.value).count("  - ") == 1  # of the types that would do, the one that was meant


def test_what_gdal_alone_can_look_into_is_not_looked_for(tmp_path):
    path = write(tmp_path, "dem: /vsizip/archive.zip/dem.tif")
    assert Files.load(path).dem == Path("/vsizip/archive.zip/dem.tif")


@pytest.mark.parametrize("day", ["13-01", "02-29", "02-30", "May", "'5'"])
def test_days_that_no_year_or_not_every_year_has(tmp_path, day):
    (tmp_path / "a.tif").touch()
    with pytest.raises(ConfigError, match="start: must be a day that every year has, as MM-DD, for example 05-01"):
        Files.load(write(tmp_path, "dem: a.tif"), [f"start={day}"])
