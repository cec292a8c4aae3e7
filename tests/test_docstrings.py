"""Everything public is documented: what it takes, gives and raises."""

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Callable, Iterator

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc, NumpyDocString

import cryoscale


def public() -> dict[str, object]:
    """Every name of every ``__all__``."""
    modules = [module for module in pkgutil.iter_modules(cryoscale.__path__, "cryoscale.") if module.ispkg]
    packages = [importlib.import_module(module.name) for module in modules]
    return {f"{p.__name__}.{name}": getattr(p, name) for p in packages for name in getattr(p, "__all__", ())}


PUBLIC = public()
FUNCTIONS = {name: value for name, value in PUBLIC.items() if inspect.isfunction(value)}
CLASSES = {name: value for name, value in PUBLIC.items() if inspect.isclass(value)}


def described(doc: NumpyDocString, *sections: str) -> set[str]:
    """Names in sections; ``a, b : float`` describes two."""
    entries = [entry.name for section in sections for entry in doc[section]]
    return {name.strip().lstrip("*") for entry in entries for name in entry.split(",")}


def own_raises(function: Callable[..., object]) -> bool:
    """Whether the function's own body raises an error for its caller."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return any(isinstance(node, ast.Raise) and node.exc is not None for node in ast.walk(tree))


def faults(function: Callable[..., object]) -> Iterator[str]:
    """What is wrong with a function's docstring."""
    doc = FunctionDoc(function)
    signature = inspect.signature(function)
    arguments = {name for name in signature.parameters if name not in ("self", "cls") and not name.startswith("_")}
    told = described(doc, "Parameters", "Other Parameters")
    if not " ".join(doc["Summary"]).strip():
        yield "no summary"
    if arguments - told:
        yield f"does not say what {sorted(arguments - told)} are"
    if told - arguments:
        yield f"describes {sorted(told - arguments)}, which it does not take"
    gives = signature.return_annotation not in (None, "None", inspect.Signature.empty)
    if gives and arguments and not (doc["Returns"] or doc["Yields"]):  # without arguments, one sentence says it all
        yield "does not say what it gives"
    if own_raises(function) and not doc["Raises"]:
        yield "does not say what it raises"


def methods(cls: type) -> Iterator[tuple[str, Callable[..., object]]]:
    """Public methods that a class of ours defines itself."""
    for name, value in vars(cls).items():
        function = inspect.unwrap(value.__func__) if isinstance(value, classmethod | staticmethod) else value
        if inspect.isfunction(function) and not name.startswith("_") and function.__module__.startswith("cryoscale"):
            yield name, function


def test_something_is_public():
    assert len(FUNCTIONS) > 150
    assert len(CLASSES) > 50


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_documented(name: str):
    assert not list(faults(FUNCTIONS[name]))


@pytest.mark.parametrize("name", CLASSES)
def test_classes_are_documented(name: str):
    cls = CLASSES[name]
    assert " ".join(ClassDoc(cls)["Summary"]).strip()
    fields = getattr(cls, "__dataclass_fields__", {})
    told = described(ClassDoc(cls), "Parameters", "Attributes")
    assert {field for field in fields if not field.startswith("_")} <= told


@pytest.mark.parametrize("name", CLASSES)
def test_methods_are_documented(name: str):
    found = {method: list(faults(function)) for method, function in methods(CLASSES[name])}
    assert not {method: why for method, why in found.items() if why}


def test_a_poor_docstring_is_found():
    def poor(a: int, b: int) -> int:
        """Add.

        Parameters
        ----------
        a, c : int
            Numbers.
        """
        if a < 0:
            raise ValueError
        return a + b

    assert list(faults(poor)) == [
        "does not say what ['b'] are",
        "describes ['c'], which it does not take",
        "does not say what it gives",
        "does not say what it raises",
    ]
