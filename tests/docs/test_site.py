"""The site builds without a warning, its links lead somewhere, nothing public is left out, and its examples run."""

import importlib
import pkgutil
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import matplotlib.pyplot as plt
import pytest
from sphinx.util.inventory import InventoryFile
from typer.main import get_command

import cryoscale
from cryoscale.cli import app
from cryoscale.schemas import STORE_KINDS
from cryoscale.variables import VARIABLES

bs4 = pytest.importorskip("bs4")
DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = re.compile(r"^```(python|console) runs\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pages_with_examples() -> list[str]:
    pages = sorted(DOCS.rglob("*.md"))
    return [str(page.relative_to(DOCS)) for page in pages if EXAMPLES.search(page.read_text(encoding="utf-8"))]


def packages() -> list[str]:
    """Packages and modules that say what is public."""
    names = [f"cryoscale.{module.name}" for module in pkgutil.iter_modules(cryoscale.__path__) if module.ispkg]
    return [name for name in names if hasattr(importlib.import_module(name), "__all__")]


def soup_of(page: Path) -> "bs4.BeautifulSoup":
    return bs4.BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


def targets(soup: "bs4.BeautifulSoup") -> Iterator[str]:
    for tag, attribute in (("a", "href"), ("link", "href"), ("img", "src"), ("script", "src")):
        for found in soup.find_all(tag, **{attribute: True}):
            yield found[attribute]


@pytest.fixture(scope="module")
def pages(site: Path) -> "dict[Path, bs4.BeautifulSoup]":
    return parsed(site)


def parsed(site: Path) -> "dict[Path, bs4.BeautifulSoup]":
    """Every page of a site; what lies in ``_static`` are the theme's templates."""
    return {page: soup_of(page) for page in site.rglob("*.html") if "_static" not in page.parts}


def broken_links(site: Path, pages: "dict[Path, bs4.BeautifulSoup]") -> Iterator[str]:
    anchors = {page: {tag["id"] for tag in soup.find_all(id=True)} for page, soup in pages.items()}
    for page, soup in pages.items():
        for target in targets(soup):
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            place = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            if not place.is_file():
                yield f"{page.relative_to(site)}: {target}: no such file"
            elif parts.fragment and place in anchors and unquote(parts.fragment) not in anchors[place]:
                yield f"{page.relative_to(site)}: {target}: no such anchor"


def test_every_link_inside_the_site_leads_somewhere(site: Path, pages: "dict[Path, bs4.BeautifulSoup]"):
    assert len(pages) > 40
    assert not list(broken_links(site, pages))


def test_a_broken_link_would_be_found(tmp_path: Path):
    (tmp_path / "a.html").write_text('<a href="b.html">x</a><a href="#c">y</a><p id="d"><a href="#d">z</a>')
    found = list(broken_links(tmp_path, parsed(tmp_path)))
    assert found == ["a.html: b.html: no such file", "a.html: #c: no such anchor"]


def test_pages_load_nothing_from_other_servers(pages: "dict[Path, bs4.BeautifulSoup]"):
    for page, soup in pages.items():
        tags = soup.select("script[src], link[rel=stylesheet], img[src]")
        assert not [tag for tag in tags if urlsplit(tag.get("src") or tag["href"]).netloc], page


@pytest.mark.parametrize("package", packages())
def test_everything_public_is_in_the_reference(site: Path, package: str):
    with (site / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda _, target: target)
    documented = {
        name for kind in ("py:function", "py:class", "py:data", "py:exception") for name in inventory.get(kind, {})
    }
    public = importlib.import_module(package).__all__
    assert {f"{package}.{name}" for name in public} <= documented


def test_every_command_is_in_the_reference(site: Path):
    text = soup_of(site / "reference/cli.html").get_text()
    for name, command in get_command(app).commands.items():
        assert f"cryoscale {name}" in text
        for parameter in command.params:
            assert parameter.help in text, (name, parameter.name)


def test_every_store_and_every_variable_is_in_the_reference(site: Path):
    stores, variables = soup_of(site / "reference/stores.html"), soup_of(site / "reference/variables.html")
    assert all(stores.find(id=f"store-{kind}") for kind in STORE_KINDS)
    assert all(variables.find(id=f"variable-{name}") for name in VARIABLES)


def test_product_pages_show_the_configuration_as_it_is(site: Path):
    text = soup_of(site / "products/deformation.html").get_text()
    assert "# weight of the temporal model's rows [1]\n  gamma: 0.0001" in text
    assert "dashboard" not in text  # the section cluster has a page of its own


def test_equations_are_mathml(site: Path):
    soup = soup_of(site / "products/deformation.html")
    assert len(soup.select("math[display=block]")) >= 3
    assert "\\frac" not in soup.get_text()


@pytest.mark.parametrize("page", pages_with_examples())
def test_examples_run(demo: Path, page: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(demo)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names: dict[str, object] = {}
    for language, text in EXAMPLES.findall((DOCS / page).read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(text, page, "exec"), names)
            continue
        for line in text.splitlines():
            program, *arguments = shlex.split(line.removeprefix("$ "))
            assert program == "cryoscale", "examples that run are commands of ours"
            app(arguments, standalone_mode=False)
    plt.close("all")  # of examples that plot
