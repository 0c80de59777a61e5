"""Coverage for a person, a program, and CI servers that show it beside the lines (Cobertura, LCOV)."""

from collections.abc import Iterator, Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any
from xml.etree import ElementTree as ET

from engine.flowtest.coverage import Coverage
from engine.values.json_text import write_json
from engine.workspace.coverable import Item

KINDS: Mapping[str, str] = {
    "field": "fields",
    "value": "mapped values",
    "default": "defaults",
    "omission": "omissions",
    "policy": "outcomes of policies",
    "row": "rows of tables",
    "start": "starts",
    "step": "steps",
    "when": "conditions",
    "branch": "branches",
    "edge": "edges",
    "fault": "failing writes",
}


def render_coverage_text(found: Coverage, *, most: int = 200) -> str:
    """What is missing, by document, and how much there is of each kind."""
    lines: list[str] = []
    for document, (covered, all_) in found.by("document").items():
        if covered < all_:
            lines.append(f"{document}: {covered} of {all_}")
            lines += [f"  {_place(item)}  {item.label}" for item in found.missing(document)]
    if len(lines) > most:
        lines = [*lines[:most], f"... and {len(lines) - most:,} lines more"]
    kinds = [f"{KINDS[kind]} {covered}/{all_}" for kind, (covered, all_) in found.by("kind").items()]
    return "\n".join([*lines, *([""] if lines else []), f"{_total(found)}: {', '.join(kinds)}."])


def _total(found: Coverage) -> str:
    return f"covered {share(found)}% ({found.covered:,} of {len(found.items):,})"


def share(found: Coverage) -> Decimal:
    """The percentage with one decimal, never rounded up: 100 is all of it."""
    return Decimal(found.percent).quantize(Decimal("0.1"), ROUND_DOWN)


def _place(item: Item) -> str:
    return f"{item.span.source.name}:{item.span.line}"


def as_json(found: Coverage) -> dict[str, object]:
    """`{"percent", "covered", "all", "kinds", "documents", "missing"}`."""
    return {
        "percent": share(found),
        "covered": found.covered,
        "all": len(found.items),
        "kinds": _counts(found, "kind"),
        "documents": _counts(found, "document"),
        "missing": [
            {
                "document": item.document,
                "kind": item.kind,
                "what": item.label,
                "file": item.span.source.name,
                "line": item.span.line,
            }
            for item in found.items
            if item.name not in found.seen
        ],
    }


def _counts(found: Coverage, part: str) -> dict[str, object]:
    return {name: {"covered": covered, "all": all_} for name, (covered, all_) in found.by(part).items()}


def render_coverage_json(found: Coverage) -> str:
    """The same as text."""
    return write_json(as_json(found), indent=True).decode() + "\n"


def _lines(found: Coverage) -> dict[str, dict[int, list[bool]]]:
    """Whether each thing on a line was covered, by file and line."""
    files: dict[str, dict[int, list[bool]]] = {}
    for item in found.items:
        lines = files.setdefault(item.span.source.name, {})
        lines.setdefault(item.span.line, []).append(item.name in found.seen)
    return {name: dict(sorted(lines.items())) for name, lines in files.items()}


def render_lcov(found: Coverage) -> str:
    """LCOV's records: the lines of each file, and of lines with several things how many were covered."""
    return "".join(f"{line}\n" for name, lines in _lines(found).items() for line in _lcov(name, lines))


def _lcov(name: str, lines: Mapping[int, list[bool]]) -> Iterator[str]:
    yield f"SF:{name}"
    several = {number: items for number, items in lines.items() if len(items) > 1}
    for number, items in several.items():
        yield from (f"BRDA:{number},0,{place},{int(one)}" for place, one in enumerate(items))
    yield f"BRF:{sum(map(len, several.values()))}"
    yield f"BRH:{sum(map(sum, several.values()))}"
    yield from (f"DA:{number},{sum(items)}" for number, items in lines.items())
    yield f"LF:{len(lines)}"
    yield f"LH:{sum(any(items) for items in lines.values())}"
    yield "end_of_record"


def render_cobertura(found: Coverage) -> str:
    """Cobertura's XML, files named from the root; of several things on one line each is a branch."""
    files = _lines(found)
    every = [items for lines in files.values() for items in lines.values()]
    root = ET.Element("coverage", **_rates(every, totals=True), complexity="0", version="1", timestamp="0")
    ET.SubElement(ET.SubElement(root, "sources"), "source").text = "."
    packages = ET.SubElement(root, "packages")
    package = ET.SubElement(packages, "package", name="tidegate", **_rates(every), complexity="0")
    classes = ET.SubElement(package, "classes")
    for name, lines in files.items():
        rates = _rates(list(lines.values()))
        one = ET.SubElement(classes, "class", name=name, filename=name, **rates, complexity="0")
        ET.SubElement(one, "methods")
        inner = ET.SubElement(one, "lines")
        for number, items in lines.items():
            _line(inner, number, items)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _line(lines: ET.Element, number: int, items: list[bool]) -> None:
    line = ET.SubElement(lines, "line", number=str(number), hits=str(sum(items)))
    if len(items) > 1:
        percent = 100 * sum(items) // len(items)
        line.set("branch", "true")
        line.set("condition-coverage", f"{percent}% ({sum(items)}/{len(items)})")
    else:
        line.set("branch", "false")


def _rates(lines: list[list[bool]], *, totals: bool = False) -> dict[str, Any]:
    hit = sum(any(items) for items in lines)
    several = [items for items in lines if len(items) > 1]
    branches, taken = sum(map(len, several)), sum(map(sum, several))
    found = {"line-rate": _rate(hit, len(lines)), "branch-rate": _rate(taken, branches)}
    if totals:
        found |= {"lines-covered": str(hit), "lines-valid": str(len(lines))}
        found |= {"branches-covered": str(taken), "branches-valid": str(branches)}
    return found


def _rate(part: int, whole: int) -> str:
    return f"{part / whole:.4f}" if whole else "1"
