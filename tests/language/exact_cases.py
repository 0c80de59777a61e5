"""Cases in YAML with exact numbers; dates and instants only where they are marked."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml


class _Exact(yaml.SafeLoader):
    """Numbers with a point are Decimal, and a date is text unless it is marked."""


_Exact.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Exact.add_constructor("tag:yaml.org,2002:float", lambda _loader, node: Decimal(node.value))
_Exact.add_constructor("!number", lambda _loader, node: Decimal(node.value))
_Exact.add_constructor("!date", lambda _loader, node: date.fromisoformat(node.value))
_Exact.add_constructor("!instant", lambda _loader, node: datetime.fromisoformat(node.value).astimezone(UTC))


def read_cases(name, key):
    """The cases of a file as parameters: what is given, and the case."""
    file = Path(__file__).parent / "cases" / name
    groups = yaml.load(file.read_text(encoding="utf-8"), _Exact)  # noqa: S506 - a safe loader, made exact
    return [
        pytest.param(group.get("given", {}), case, id=case[key][:70] or "empty")
        for group in groups
        for case in group["cases"]
    ]


def shape(value):
    """A value with the kind of each part, so that 1 and True and 1.0 are told apart; numbers are one kind."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shape(item) for item in value]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return ("number", Decimal(value))
    return (type(value).__name__, value)
