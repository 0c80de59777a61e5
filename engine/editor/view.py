"""What is known of a workspace at one moment: the documents, what they name, and what the compiler found."""

from dataclasses import dataclass

from engine.editor.facts import Facts
from engine.editor.index import FileIndex, Index
from engine.editor.outline import Kinds, Outline, Site
from engine.editor.samples import Samples
from engine.problems import Problem
from engine.source import Source
from engine.workspace.node import ScalarNode


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A workspace at one moment. What is asked about a text that is newer is answered as far as that goes."""

    kinds: Kinds
    index: Index
    facts: Facts
    samples: Samples

    def file(self, source: Source) -> FileIndex:
        """A file with its documents, as its text is now."""
        return self.index.file(source)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong with the workspace, by file and place."""
        return self.facts.look.collector.problems

    def outline_at(self, source: Source, offset: int) -> Outline | None:
        """The document that a place lies in."""
        found = [one for one in self.file(source).outlines if one.span.start <= offset]
        return found[-1] if found else None

    def site_at(self, source: Source, offset: int) -> tuple[Outline, Site, bool] | None:
        """The innermost value at a place, and whether it is its key that lies there."""
        outline = self.outline_at(source, offset)
        found: tuple[Outline, Site, bool] | None = None
        for site in outline.sites if outline is not None else ():
            assert outline is not None
            if site.key is not None and site.key.start <= offset <= site.key.end:
                found = (outline, site, True)
            elif isinstance(site.node, ScalarNode) and site.node.start <= offset <= site.node.end:
                found = (outline, site, False)
        return found
