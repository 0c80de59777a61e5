"""A workspace of the fixed workload: the YAML beside this file, with the data of a seed as tables."""

import json
import random
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.bench.workload import generate

HERE = Path(__file__).parent / "workspace"


def make(folder: Path, seed: int, number: int) -> tuple[Path, dict[str, Any]]:
    """Write workspace and events below `folder`; the file of the events, and the reference data."""
    dice = random.Random(seed)
    reference = generate.make_reference(dice)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE, folder)
    data = folder / "policies" / "data"
    data.mkdir()
    for name, rows in _tables(reference).items():
        _write(data / f"{name}.jsonl", rows)
    (folder / "tidegate.yaml").write_text("# The fixed workload.\n")
    events = folder / "events.jsonl"
    _write(events, (generate.make_event(index, dice) for index in range(1, number + 1)))
    return events, reference


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w") as file:
        for row in rows:
            file.write(json.dumps(row, separators=(",", ":")) + "\n")


def _tables(reference: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    cards = list(reference["rate_cards"].values())
    return {
        "worker": list(reference["workers"].values()),
        "project": list(reference["projects"].values()),
        "contract": list(reference["contracts"].values()),
        "card": [{"id": card["id"], "currency": card["currency"]} for card in cards],
        "rate_card": [
            {"card": card["id"], "role": role, "rate": rate}
            for card in cards
            for role, rate in card["rates"].items()
        ],
        "cutoff": [
            {"legal_entity": key.split("|")[0], "period": key.split("|")[1], "at": at}
            for key, at in reference["cutoffs"].items()
        ],
    }
