"""What fuzzing begins with: documents and expressions that people wrote, and the words of the languages."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from engine.session import ALL_KINDS
from engine.spec.shape import fields_of
from tests.fuzz.targets import LARGEST, ROOT

_EXPRESSION = re.compile(r"(?:expr|when|where|template|reason|note|path):\s+(\"[^\"]+\"|'[^']+'|[^,}\n]+)")
_PARTS = re.compile(r"^---\n", re.MULTILINE)


def _documents(*folders: str) -> Iterator[str]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.yaml")):
            yield from _PARTS.split(path.read_text(encoding="utf-8", errors="replace"))


def seeds(target: str) -> list[bytes]:
    """Inputs to begin with; all are short enough."""
    pack = list(_documents("flows", "mappings", "policies", "schemas"))
    found: list[str]
    match target:
        case "yaml":
            found = [*pack, *_documents("tests/problems")]
        case "workspace":
            found = list(_documents("tests/problems"))
        case "manifest":
            found = list(_documents("connectors"))
        case "json" | "lines":
            found = [path.read_text("utf-8") for path in sorted((ROOT / "flows").rglob("*.json"))]
            found = [json.dumps(json.loads(text)) for text in found]
            found += [
                '{"type": "thing.seen", "data": {"id": "1", "price": {"amount": 1.50, "currency": "EUR"}}}'
            ]
        case _:
            found = [text.strip("\"'") for document in pack for text in _EXPRESSION.findall(document)]
            found += _CASES[target]
    return sorted({text.encode() for text in found if len(text.encode()) <= LARGEST})


_CASES = {
    "formula": [
        "round(number * a.money.amount / 60, 2)",
        "[x.id for x in items if x.on and x.rate > 1]",
        "1 if nothing is None else text[0:2]",
    ],
    "template": [
        "{% for x in items %}{{ x.name|upper }}, {% endfor %}",
        "{% if nothing %}a{% elif number > 3 %}b{% else %}c{% endif %}",
    ],
    "path": [
        "items[?on].{n: name, r: rate}",
        "sort_by(items, &id)[-1].name",
        "a.b[2].c || `1` && !nothing",
        "max_by(items, &rate) | @.name",
    ],
}


def words() -> list[str]:
    """The words of the languages, for the fuzzer to put together."""
    from engine.language.functions.path_functions import PATH_FUNCTIONS
    from engine.language.functions.standard import STANDARD

    keys = {field.key for kind in ALL_KINDS for field in fields_of(kind)}
    kinds = {kind.kind for kind in ALL_KINDS}
    marks = [
        "---\n",
        ": ",
        "- ",
        "{{",
        "}}",
        "{%",
        "%}",
        "[?",
        "[*]",
        "[]",
        "&a ",
        "*a",
        "!!x ",
        "|\n",
        ">-\n",
        "<<",
        "`",
        "&&",
        "||",
        "==",
        "**",
        "//",
        " if ",
        " else ",
        " for ",
        " in ",
        " not ",
        " is ",
        "None",
        "True",
        "__class__",
        "\\u0000",
        "\ufeff",
        "1e999999999",
        "0x",
        "{a: b}",
        "null",
        "~",
        "\t",
        "#",
        "\r\n",
    ]
    return sorted({*keys, *kinds, *STANDARD, *PATH_FUNCTIONS, *marks})


def write(folder: Path, target: str) -> None:
    """The seeds as files, as the fuzzer wants them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(target)):
        (folder / f"{number:04}").write_bytes(data)


def write_words(file: Path) -> None:
    """The words as a dictionary of libFuzzer."""
    lines = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in words())
    file.write_text("".join(f'"{line}"\n' for line in lines), encoding="ascii")
