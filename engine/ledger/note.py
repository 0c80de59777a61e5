"""Where a chain ended when it was last written, as a line of a file: its row, the hash of that, and a check.

The line is written over the one before, and a disk that is full may take half of it. Without the check, the
new number beside the old hash would be the end of no chain, and a sound ledger would be refused as a copy.
"""

from hashlib import sha256

NOTE_BYTES = 200  # more than a note has


def written(seq: int, link: str) -> bytes:
    """The note of a row with this hash; all notes have one length, so that none leaves a rest of another."""
    return f"{seq:>20} {link} {_check(seq, link)}\n".encode()


def read(text: bytes) -> tuple[int, str] | None:
    """The number and the hash of the row; None when it is no note, or not a whole one."""
    said = text.decode(errors="replace").split()
    if len(said) != 3 or not said[0].isdecimal():
        return None
    found = int(said[0]), said[1]
    return found if said[2] == _check(*found) else None


def _check(seq: int, link: str) -> str:
    return sha256(f"{seq} {link}".encode()).hexdigest()[:16]
