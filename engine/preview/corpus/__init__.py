"""A corpus: events with what was answered, in a file that `tidegate diff` plays without any system.

What lives here: what in it is personal, what stands for that, and which events are enough. What does not: how
a line is written and read (:mod:`engine.preview.behaviour.lines`), and where it comes from
(:mod:`engine.preview.recorded`).
"""

from engine.preview.corpus.personal import Personal, personal_of
from engine.preview.corpus.proof import Proof
from engine.preview.corpus.pseudonyms import Pseudonyms
from engine.preview.corpus.redact import redacted

__all__ = ["Personal", "Proof", "Pseudonyms", "personal_of", "redacted"]
