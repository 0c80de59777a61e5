"""Writing the files of a template into a folder, all of them or none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from engine.errors import InputError

_HERE = Path(__file__).parent / "templates"
_HIDDEN = "dot-"

# What of the pack is a firm's own; the formats of documents and the connectors come with Tidegate.
_OF_THE_PACK = ("connectors/connections.yaml", "flows", "mappings", "policies", "schemas/canonical")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A workspace to start from."""

    name: str
    about: str
    with_pack: bool = False  # its documents are those of the pack


TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        template.name: template
        for template in (
            Template(
                name="minimal",
                about="One flow with its mapping, policy and tests: a won deal becomes a customer.",
            ),
            Template(
                name="professional-services",
                about="A firm: from the won deal over staffing and time to invoices and revenue.",
                with_pack=True,
            ),
        )
    }
)


def create(folder: Path, template: Template, pack: Path, extra: Mapping[str, bytes]) -> list[str]:
    """Write a workspace into `folder`, which is made when it is missing; the names of the files.

    `pack` is the folder of the pack; `extra` are files that the caller made, by name.

    Raises:
        InputError: when a file that would be written is there already. Nothing is written then.

    """
    files = {**dict(_files(template, pack)), **extra}
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; a workspace is a folder")
    there = sorted(name for name in files if (folder / name).exists())
    if there:
        shown = ", ".join(there[:3]) + (f" and {len(there) - 3} more" if len(there) > len(there[:3]) else "")
        raise InputError(
            f"{folder.resolve()} has {shown} already; nothing is overwritten, choose another folder"
        )
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return sorted(files)


def _files(template: Template, pack: Path) -> Iterator[tuple[str, bytes]]:
    for folder in (_HERE / "every", _HERE / template.name):
        for name, content in _below(folder, folder):
            yield _shown(name), content
    if template.with_pack:
        for part in _OF_THE_PACK:
            yield from _below(pack / part, pack)


def _below(place: Path, root: Path) -> Iterator[tuple[str, bytes]]:
    found = [place] if place.is_file() else sorted(place.rglob("*"))
    for path in found:
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(root).as_posix(), path.read_bytes()


def _shown(name: str) -> str:
    parts = PurePosixPath(name).parts
    return "/".join("." + part.removeprefix(_HIDDEN) if part.startswith(_HIDDEN) else part for part in parts)
