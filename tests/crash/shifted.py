"""`tidegate` on a machine whose clock is wrong: ``python -m tests.crash.shifted SECONDS ARGUMENTS...``."""

import sys
from datetime import timedelta

from engine.cli.main import main
from engine.clock import SystemClock

if __name__ == "__main__":
    wrong = timedelta(seconds=float(sys.argv.pop(1)))
    now = SystemClock.now
    SystemClock.now = lambda self: now(self) + wrong
    main()
