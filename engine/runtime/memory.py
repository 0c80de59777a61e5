"""The garbage collector, set for a process that holds much for a while and little for long."""

import gc

YOUNG = 50_000  # objects made before the young ones are looked through; a turn makes about that many


def settle() -> None:
    """Leave what is loaded out of all collections to come, and look through new objects less often.

    Runs and their records hold no cycles: they go when the last reference does, whatever the collector
    does. What it would do without this is to look through every record on its way again and again.
    Nothing is collected first: it takes longer than to compile a workspace, and finds next to nothing.
    """
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
