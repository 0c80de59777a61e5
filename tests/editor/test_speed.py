"""What a keystroke costs: the figure that the issue sets, measured on the server's own process."""

import asyncio

import pytest

from tests.bench.lsp import measure
from tests.editor.client import copy_pack

MOST_CPU_MS = 300


@pytest.mark.slow
def test_diagnostics_of_the_pack_follow_a_keystroke_within_300_ms_of_process_time(tmp_path):
    found = asyncio.run(measure(copy_pack(tmp_path / "pack"), rounds=3))
    assert found["lsp_keystroke_cpu_ms"] <= MOST_CPU_MS, found
