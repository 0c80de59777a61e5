"""How many examples a property is tried with: all of them in `make test`, a part of them in `make fast`."""

import os
from collections.abc import Mapping

ALL = "TIDEGATE_EXAMPLES"
PART = 4
FEWEST = 20


def examples(number: int, environment: Mapping[str, str] = os.environ) -> int:
    """How many examples to try where ``number`` is what proves something."""
    return number if environment.get(ALL) == "all" else min(number, max(FEWEST, number // PART))
