"""Who may know whom: for each room the other rooms that it imports, and no more.

The layers in pyproject.toml say which way imports go, and who knows which package from elsewhere;
here stands what each room is made of. A new line is a decision.
"""

import ast
import importlib.util
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]

ROOMS = {
    "__main__": "cli defaults",
    "atomic_write": "",
    "background": "",
    "batch": "atomic_write defaults",
    "checks": "",
    "cli": "atomic_write background batch clustering codecs compress defaults"
    " errors mapping options palette picture plots scoring tables web",
    "clustering": "checks",
    "codecs": "background defaults errors picture",
    "color": "",
    "compress": "atomic_write checks codecs color defaults errors mapping palette picture scoring",
    "defaults": "",
    "errors": "",
    "mapping": "checks color defaults palette",
    "options": "codecs defaults palette",
    "palette": "atomic_write checks color defaults errors picture",
    "picture": "checks errors",
    "plots": "checks clustering codecs color compress mapping palette picture scoring",
    "scoring": "checks",
    "tables": "checks errors",
    "web": "checks clustering codecs compress defaults errors options palette picture plots",
}


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("tinct", exclude_type_checking_imports=True)


def room(module):
    return module.split(".")[1] if "." in module else "tinct"


def test_every_room_is_listed(graph):
    assert {room(module) for module in graph.modules} == {"tinct", *ROOMS}


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_imports_the_rooms_it_is_made_of_and_no_other(graph, name):
    known = set()
    for module in graph.modules:
        if room(module) == name:
            known |= {room(other) for other in graph.find_modules_directly_imported_by(module)}
    assert known - {name, "tinct"} == set(ROOMS[name].split())


def test_what_races_examples_and_pages_import_from_tinct_exists():
    """Nobody runs the races here, so a move would break them in silence."""
    asked = {
        (node.module, name.name)
        for folder in ("bench", "docs", "examples")
        for path in (ROOT / folder).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tinct"
        for name in node.names
    }
    assert len(asked) > 10
    for module, name in asked:
        found = importlib.import_module(module)
        assert hasattr(found, name) or importlib.util.find_spec(f"{module}.{name}"), (module, name)
