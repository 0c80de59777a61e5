"""The demo: a firm on loopback, played from the won deal to recognised revenue, and held against its books.

What lives here: the people and systems of the firm, what they do on which day, how that is told, and what
must hold at the end. What does not: any decision; those are made by the pack and the engine, as always.
"""

from engine.demo.play import play
from engine.demo.real_erp import tryton
from engine.demo.story import Expectation, Line, Scene, Story

__all__ = ["Expectation", "Line", "Scene", "Story", "play", "tryton"]
