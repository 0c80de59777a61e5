"""`tidegate`, which writes at its end how much memory it took, in KB, to the file that MEASURED names.

What the system says of a process that has ended counts the memory of the one that started it as well.
"""

import os
import sys
from pathlib import Path

from engine.cli.main import main


def peak() -> str:
    """The most memory that this process has had, in KB."""
    status = Path("/proc/self/status").read_text()
    return next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        Path(os.environ["MEASURED"]).write_text(peak())
