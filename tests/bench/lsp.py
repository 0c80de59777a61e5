"""`python -m tests.bench.lsp`: what a keystroke costs the language server, over the protocol.

A letter is typed into a document of the pack, and the server's process time is read before it and after the
diagnostics that follow from it: the whole pack is checked again. Written to build/bench.json beside the
other figures. The bound is 300 ms.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from tests.editor.client import Client, copy_pack

# Where a letter is typed, and what it makes wrong: a mapping, a policy, a flow, an entity, a calendar's table.
TYPED = {
    "mapping": ("mappings/billing.yaml", "expr: entry.minutes / 60", "expr: entry.minutesx / 60"),
    "policy": ("policies/billing.yaml", "when: entry.minutes >", "when: entry.minutesx >"),
    "flow": ("flows/approved-time-to-billing.yaml", "write: erp.time_bill", "write: erp.time_billx"),
    "entity": ("schemas/canonical/delivery.yaml", "  worked_on: {type", "  worked_onx: {type"),
    "connector": ("connectors/netsuite/connector.yaml", "  time_bill:", "  time_billx:"),
}


def cpu_seconds(process: int) -> float:
    """The process time that a process has used, in user and system."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(folder: Path, rounds: int) -> dict[str, Any]:
    """Milliseconds of process time until the first diagnostics, and for keystrokes; seconds by the clock too."""
    client = await Client.start(folder)
    process = client.process.pid
    found: dict[str, Any] = {}
    everything: list[float] = []
    waited: list[float] = []
    for name, (file, right, wrong) in TYPED.items():
        path = folder / file
        await client.open(path)
        await client.replace(path, right, wrong)  # the first of a kind also pays for what is made once
        await client.until(lambda: any(client.diagnostics.values()))
        found.setdefault("lsp_start_cpu_ms", round(cpu_seconds(process) * 1000))
        spent: list[float] = []
        for turn in range(2 * rounds):
            mended = turn % 2 == 0
            before, began = cpu_seconds(process), time.monotonic()
            await client.replace(path, wrong if mended else right, right if mended else wrong)
            await client.until(lambda mended=mended: any(client.diagnostics.values()) != mended)
            spent.append((cpu_seconds(process) - before) * 1000)
            waited.append((time.monotonic() - began) * 1000)
        await client.replace(path, wrong, right)
        await client.until(lambda: not any(client.diagnostics.values()))
        await client.shut(path)
        everything += spent
        found[f"lsp_keystroke_cpu_ms_{name}"] = round(median(spent))
    found["lsp_keystroke_cpu_ms"] = round(median(everything))
    found["lsp_keystroke_cpu_ms_worst"] = round(max(everything))
    found["lsp_keystroke_ms_by_the_clock"] = round(median(waited))
    await client.stop()
    return found


def main() -> int:
    """Measure, print, and add to build/bench.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as name:
        found = asyncio.run(measure(copy_pack(Path(name) / "pack"), given.rounds))
    for key, value in found.items():
        sys.stdout.write(f"{key:36} {value}\n")
    file = Path("build/bench.json")
    file.parent.mkdir(exist_ok=True)
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(json.dumps({**known, **found}, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
