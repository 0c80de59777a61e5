"""Reads the source of the house as syntax trees, without importing it, and judges it by the rules."""

import ast
import graphlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.architecture import rules

ROOT = Path(__file__).parents[2]
Sources = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One module needs another."""

    importer: str
    target: str
    line: int
    at_load: bool  # neither inside a function nor for the type checker alone

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


def module_name(path: Path) -> str:
    """The dotted name of a file below the top; a package has the name of its folder."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources_below(*folders: str) -> dict[str, str]:
    """Dotted names to text, for every Python file in these folders of the checkout."""
    return {
        module_name(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


def _runs_later(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def _imports_in(node: ast.AST, *, at_load: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, at_load
        yield from _imports_in(child, at_load=at_load and not _runs_later(child))


def _targets(node: ast.Import | ast.ImportFrom, importer: str, sources: Sources) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        # A module is one level deeper than its folder; ruff refuses relative imports in any case.
        base = ".".join([*importer.split(".")[: -node.level], *filter(None, [base])])
    for alias in node.names:
        inner = f"{base}.{alias.name}"
        yield inner if inner in sources else base


def imports(sources: Sources) -> list[Import]:
    """Every import of every module, wherever it stands."""
    return [
        Import(importer=name, target=target, line=node.lineno, at_load=at_load)
        for name, text in sources.items()
        for node, at_load in _imports_in(ast.parse(text), at_load=True)
        for target in _targets(node, name, sources)
    ]


def room_of(module: str) -> str | None:
    """The room of a module of the engine; None when no row of the table fits."""
    if module == rules.TOP:
        return rules.TOP
    inside = module.removeprefix("engine.")
    fitting = [room for room in rules.MAY_IMPORT if inside == room or inside.startswith(room + ".")]
    return max(fitting, key=len, default=None)


def is_engine(module: str) -> bool:
    """Whether a dotted name belongs to the engine."""
    return module == "engine" or module.startswith("engine.")


def is_connector(module: str) -> bool:
    """Whether a dotted name belongs to the connectors."""
    return module == "connectors" or module.startswith("connectors.")


def allowed_room(importer: str, target: str) -> bool:
    """Whether the table lets one room import another."""
    row = {importer, *rules.MAY_IMPORT[importer]}
    return target in row or target.rpartition(".")[0] in row


def breaches_of_table(found: Iterable[Import]) -> list[str]:
    """Imports inside the engine that its table does not have."""
    wrong = []
    for each in found:
        if not is_engine(each.importer) or not (is_engine(each.target) or is_connector(each.target)):
            continue
        importer, target = room_of(each.importer), room_of(each.target)
        if importer is None or target is None or not allowed_room(importer, target):
            wrong.append(str(each))
    return wrong


def breaches_of_contract(found: Iterable[Import]) -> list[str]:
    """Imports of a connector that are neither the contract, nor itself, nor the standard library."""
    return [
        str(each)
        for each in found
        if is_connector(each.importer) and not _is_foreign(each) and not _connector_may(each)
    ]


def _is_foreign(each: Import) -> bool:
    return each.target.partition(".")[0] in rules.FOREIGN.get(each.importer, ())


def _connector_may(each: Import) -> bool:
    own = ".".join(each.importer.split(".")[:2])
    inside = each.target == rules.CONTRACT or each.target.startswith(rules.CONTRACT + ".")
    return inside or each.target == own or each.target.startswith(own + ".") or not _is_library(each.target)


def _is_library(module: str) -> bool:
    return module.partition(".")[0] not in sys.stdlib_module_names


def breaches_of_doors(found: Iterable[Import]) -> list[str]:
    """Uses of a library elsewhere than in its door, and of libraries that have none."""
    wrong = []
    for each in found:
        library = each.target.partition(".")[0]
        if library in rules.DOORS:
            if not any(_within(each.importer, door) for door in rules.DOORS[library]):
                wrong.append(str(each))
        elif (
            _is_library(each.target)
            and not _is_foreign(each)
            and not is_engine(each.target)
            and not is_connector(each.target)
        ):
            wrong.append(f"{each}, a library without a door")
    return wrong


def _within(module: str, door: str) -> bool:
    return module == door.rstrip(".") or module.startswith(door.rstrip(".") + ".")


def cycle_at_load(found: Iterable[Import]) -> list[str] | None:
    """Modules that load each other in a circle, or None."""
    graph: dict[str, set[str]] = {}
    for each in found:
        if each.at_load and each.importer != each.target:
            graph.setdefault(each.importer, set()).add(each.target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return None


def rooms_reached(start: str, found: Iterable[Import]) -> set[str]:
    """Rooms that any module of a room reaches, directly or not; loading a module also loads its packages."""
    edges: dict[str, set[str]] = {}
    for each in found:
        edges.setdefault(each.importer, set()).update(_with_packages(each.target))
    waiting = [module for module in edges if _within(module, f"engine.{start}")]
    seen = set(waiting)
    while waiting:
        new = edges.get(waiting.pop(), set()) - seen
        seen |= new
        waiting.extend(new)
    # A package that imports nothing was only walked through.
    return {
        room for module in seen if is_engine(module) and (room := room_of(module)) and _counts(module, edges)
    }


def _with_packages(module: str) -> set[str]:
    parts = module.split(".")
    return {".".join(parts[:end]) for end in range(1, len(parts) + 1)}


def _counts(module: str, edges: Mapping[str, set[str]]) -> bool:
    return module in edges or not (ROOT / Path(*module.split(".")) / "__init__.py").exists()


def impurities(module: str, text: str) -> list[str]:
    """What a pure module asks of the world: modules, built-in functions, the day of today."""
    wrong = []
    for node in ast.walk(ast.parse(text)):
        name = _asks_world(node)
        if name:
            wrong.append(f"{module}:{node.lineno} uses {name}")  # type: ignore[attr-defined]
    return wrong


def _asks_world(node: ast.AST) -> str | None:
    match node:
        case ast.Import(names=names):
            return next((a.name for a in names if a.name.split(".")[0] in rules.WORLDLY_MODULES), None)
        case ast.ImportFrom(module=str(name)) if name.split(".")[0] in rules.WORLDLY_MODULES:
            return name
        case ast.Call(func=ast.Name(id=name)) if name in rules.WORLDLY_CALLS:
            return f"{name}()"
        case ast.Attribute(value=whose, attr=name) if name in rules.WORLDLY_METHODS and _is_calendar(whose):
            return f"{ast.unparse(whose)}.{name}"
    return None


def _is_calendar(node: ast.expr) -> bool:
    # A run has a `now` of its own, fixed when its event was accepted: only the classes are asked for theirs.
    return ast.unparse(node).rpartition(".")[2] in {"date", "datetime"}


def is_pure(module: str) -> bool:
    """Whether the rules ask this module to be pure."""
    return any(_within(module, name) for name in rules.PURE)


def function_sizes(module: str, text: str) -> dict[str, int]:
    """Lines of each function, by module and name."""
    return {
        f"{module}.{node.name}:{node.lineno}": (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
