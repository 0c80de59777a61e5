"""Seeds that once went wrong, and what they found; they are played again with every run of the tests."""

CASES: dict[int, str] = {
    53: "an answer to a read that nobody wants any more ended the process",
    58: "a run that had been woken was begun anew after a crash",
    86: "an answer to a read came after its run was over",
    155: "a run that had been woken was begun anew after a crash",
    1347: "a run that had been woken was begun anew after a crash",
    1229: "an answer to a read came after its run was over, which somebody had looked up since",
    2003: "a person freed a key and put a run out of line that was at work: its next write was never sent",
    103349: "a person looked for holds while the disk could not be read, and their error ended the play",
}
