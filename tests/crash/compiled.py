"""The environment of processes that are started often: compiled code is kept, as where it is installed.

Without it each start compiles the engine and its libraries anew, which takes three times as long as all else.
"""

import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def environment(**more: str) -> dict[str, str]:
    """This environment, with a place for compiled code that later starts find again."""
    found = os.environ | {"PYTHONPATH": str(ROOT), **more}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    place = Path(tempfile.gettempdir()) / f"tidegate-compiled-{os.getuid()}"
    found.setdefault("PYTHONPYCACHEPREFIX", str(place))
    return found
