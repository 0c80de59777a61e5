"""Hostile workspaces: each function writes one, and says which code it is refused with ("" for none)."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

HEAD = "connection: erp\nconnector: netsuite\nenvironments:\n  demo: "
ENTITY = "entity: thing\nowner: x\nkey: id\nfields:\n  id: {type: string}\n"
MAPPING = "mapping: m\nowner: x\ninputs: {a: canonical/thing@1}\noutput: record\nfields:\n"
MB = 1024 * 1024


def _text(text: str | bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        (folder / "flows" / "x.yaml").write_bytes(data)

    return write


def _alias_bomb() -> str:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefghijk", "bcdefghijkl", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]")
    return HEAD + "{}\n" + "\n".join(lines) + "\n"


def _block(depth: int) -> str:
    return "".join(f"{' ' * level}k:\n" for level in range(depth))


def _aliased(count: int) -> str:
    return HEAD + "&a [1]\nb: [" + "*a, " * count + "]\n"


def _many(text: str, count: int) -> str:
    return "---\n".join(text.replace("#", str(number)) for number in range(count))


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "flows" / "x.yaml")


def _folder(folder: Path) -> None:
    (folder / "flows" / "x.yaml").mkdir()


def _socket(folder: Path) -> None:
    # A path of a socket is short; the folder of a test is not.
    here = Path.cwd()
    os.chdir(folder / "flows")
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("x.yaml")
    finally:
        os.chdir(here)


def _device(folder: Path) -> None:
    (folder / "flows" / "x.yaml").symlink_to("/dev/zero")


def _loop(folder: Path) -> None:
    (folder / "flows" / "x.yaml").symlink_to("y.yaml")
    (folder / "flows" / "y.yaml").symlink_to("x.yaml")
    (folder / "flows" / "again").symlink_to(folder / "flows", target_is_directory=True)
    (folder / "flows" / "up").symlink_to("..", target_is_directory=True)


def _unreadable(folder: Path) -> None:
    path = folder / "flows" / "x.yaml"
    path.write_text(ENTITY)
    path.chmod(0)


def _tiny_files(folder: Path) -> None:
    for number in range(30_000):
        (folder / "flows" / f"{number}.yaml").touch()


def _deep_folders(folder: Path) -> None:
    place = folder / "flows"
    for _ in range(200):
        place = place / "deeper"
        place.mkdir()
        (place / "x.yaml").write_text("flow: deep\n")


def _odd_names(folder: Path) -> None:
    for name in (
        b"bad\xff.yaml",
        b"line\nend.yaml",
        b"\x1b[31mred.yaml",
        b"::error::x.yaml",
        b"a'\"<&>.yaml",
    ):
        (folder / "flows" / os.fsdecode(name)).write_text("what: ever\n")


def _sparse(folder: Path) -> None:
    with (folder / "flows" / "x.yaml").open("wb") as file:
        file.truncate(50 * 1024 * MB)


def _table(name: str, data: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "flows" / "x.yaml").write_text(
            f"table: t\nowner: x\nkey: {{a: string}}\ncolumns: {{b: decimal}}\nfile: {name}\n"
        )
        (folder / "flows" / name).write_bytes(data)

    return write


def _mapping(entry: str) -> Callable[[Path], None]:
    return _text(f"{ENTITY}---\n{MAPPING}  f: {entry}\n")


def _pattern(pattern: str) -> Callable[[Path], None]:
    return _text(ENTITY.replace("{type: string}", f"{{type: string, pattern: '{pattern}'}}"))


DOCUMENTS: dict[str, tuple[Callable[[Path], None], str]] = {
    # YAML
    "alias-bomb": (_text(_alias_bomb()), "TG134"),
    "many-aliases": (_text(_aliased(50_000)), "TG134"),
    "alias-of-itself": (_text(HEAD + "&a [*a]\n"), "TG133"),
    "depth-of-10000-in-brackets": (_text(HEAD + "[" * 10_000 + "]" * 10_000), "TG135"),
    "depth-of-10000-in-braces": (_text(HEAD + "{a: " * 10_000 + "}" * 10_000), "TG135"),
    "depth-of-10000-never-closed": (_text(HEAD + "[" * 10_000), "TG135"),
    "depth-of-2000-in-lines": (_text(_block(2_000)), "TG135"),
    "depth-of-10000-in-dashes": (_text(HEAD + "\n    " + "- " * 10_000 + "x\n"), "TG135"),
    "text-of-50-mb": (_text(HEAD + "'" + "x" * (50 * MB) + "'\n"), "TG102"),
    "text-of-4-mb": (_text(HEAD + "'" + "x" * (4 * MB) + "'\n"), "TG136"),
    "block-of-4-mb": (_text(HEAD + "|\n" + "    x y\n" * (MB // 2)), "TG136"),
    "quote-never-closed-over-4-mb": (_text(HEAD + "'" + "x y\n" * MB), "TG118"),
    "comment-of-4-mb": (_text(ENTITY + "#" * (4 * MB)), ""),
    "spaces-of-4-mb": (_text(HEAD + " " * (4 * MB) + "x\n"), ""),
    "line-ends-of-4-mb": (_text(ENTITY + "\n" * (4 * MB)), ""),
    "colons-of-4-mb": (_text(HEAD + ": " * (2 * MB)), "TG1"),
    "dashes-of-4-mb": (_text("-" * (4 * MB)), "TG1"),
    "percent-of-4-mb": (_text(HEAD + "%" * (4 * MB)), "TG1"),
    "anchors-of-4-mb": (_text(HEAD + "&" * (4 * MB)), "TG1"),
    "key-of-4-mb": (_text("x" * (4 * MB) + ": y\n"), "TG"),
    "escapes-of-4-mb": (_text(HEAD + '"' + "\\n" * (2 * MB) + '"\n'), "TG136"),
    "half-characters-written-as-escapes": (_text(HEAD + '"\\ud800 \\udc00"\n'), "TG"),
    "a-python-object": (_text(HEAD + "!!python/object/apply:os.system ['touch owned']\n"), "TG132"),
    "many-tags": (_text(HEAD + "[" + "!x y, " * 50_000 + "]\n"), "TG132"),
    "a-long-tag": (_text(HEAD + "!" + "x" * MB + " y\n"), "TG132"),
    "100000-keys-twice": (
        _text(HEAD + "\n" + "".join(f"    k{n % 50_000}: 1\n" for n in range(100_000))),
        "TG130",
    ),
    "100000-unknown-keys": (_text(ENTITY + "".join(f"k{n}: 1\n" for n in range(100_000))), "TG"),
    "merge-keys": (_text(HEAD + "\n    <<: [&a {x: 1}, *a]\n"), "TG139"),
    "a-list-of-a-million": (_text(HEAD + "[" + "1," * MB + "]\n"), "TG137"),
    "a-million-documents": (_text("---\n" * MB), "TG"),
    "10000-documents-broken": (_text("a: [\n---\n" * 10_000), "TG"),
    "2000-documents-broken-inside": (
        _text(_many("entity: e#\nowner: x\nkey: nd\nfields: {id: {type: sting}}\n", 2_000)),
        "TG",
    ),
    "500-kinds-that-are-none": (_text(_many("entty: e#\nx: y\n", 500)), "TG202"),
    "nul": (_text(HEAD + "a\x00b\n"), "TG104"),
    "byte-order-mark": (_text(b"\xef\xbb\xbf" + ENTITY.encode()), ""),
    "byte-order-mark-inside": (_text(HEAD + "a\ufeffb\n"), "TG"),
    "utf-16": (_text(ENTITY.encode("utf-16")), "TG103"),
    "utf-16-without-mark": (_text(ENTITY.encode("utf-16-le")), "TG1"),
    "utf-32": (_text(ENTITY.encode("utf-32")), "TG103"),
    "not-utf-8": (_text(b"entity: \xff\xfe\xfd\n"), "TG103"),
    "overlong-utf-8": (_text(b"entity: \xc0\xaf\n"), "TG103"),
    "surrogates-in-utf-8": (_text(b"entity: \xed\xa0\x80\n"), "TG103"),
    "tabs": (_text("entity: x\nfields:\n\t\tid: y\n"), "TG111"),
    "tabs-of-4-mb": (_text("a:\n" + "\t" * (4 * MB)), "TG"),
    "turned-direction": (_text(HEAD + "\u202e evil \u2066\n"), "TG126"),
    "a-number-of-a-million-digits": (_text(HEAD + "9" * 1_000_000 + "\n"), "TG146"),
    "a-number-without-end": (_text(HEAD + "[1e999999999, -1e-999999999, 0x" + "f" * 1000 + "]\n"), "TG14"),
    "a-day-that-is-none": (_text(ENTITY + "deprecated: 99999-99-99\n"), "TG"),
    # files
    "a-pipe": (_pipe, "TG101"),
    "a-folder-named-as-a-document": (_folder, ""),
    "a-socket": (_socket, "TG101"),
    "a-device": (_device, "TG105"),
    "links-in-a-circle": (_loop, "TG105"),
    "not-to-be-read": (_unreadable, "TG101" if os.geteuid() else ""),
    "30000-tiny-files": (_tiny_files, "TG106"),
    "200-folders-deep": (_deep_folders, ""),
    "names-of-files-that-command-terminals": (_odd_names, "TG101"),
    "a-file-of-50-gb-of-holes": (_sparse, "TG102"),
    # data files
    "csv-with-a-million-columns": (_table("t.csv", b"a,b," + b"c," * MB + b"\n"), "TG35"),
    "csv-of-60-mb": (_table("t.csv", b"a,b\n" + b"x" * (60 * MB)), "TG35"),
    "csv-with-one-line-of-15-mb": (_table("t.csv", b"a,b\n" + b"x" * (15 * MB)), "TG35"),
    "csv-with-a-wide-character-and-4-million-rows": (
        _table("t.csv", "a,b\n\U0001f600,1\n".encode() + b"x,1\n" * (3 * MB)),
        "TG35",
    ),
    "csv-with-4-million-rows": (
        _table("t.csv", b"a,b\n" + b"".join(b"%d,1\n" % n for n in range(1_400_000))),
        "TG35",
    ),
    "csv-of-line-ends": (_table("t.csv", b"\n" * (15 * MB)), "TG35"),
    "json-of-a-million-rows": (
        _table("t.json", b"[" + b'{"a":"x","b":1},' * 900_000 + b'{"a":"x","b":1}]'),
        "TG35",
    ),
    "json-of-a-million-lists": (_table("t.json", b"[" + b"[]," * (4 * MB) + b"[]]"), "TG35"),
    "csv-quote-never-closed": (_table("t.csv", b'a,b\n"' + b"x\n" * (2 * MB)), "TG35"),
    "csv-with-nul": (_table("t.csv", b"a,b\n\x00,1\n"), ""),
    "json-100000-deep": (_table("t.json", b"[" * 100_000 + b"]" * 100_000), "TG35"),
    "json-records-100000-deep": (_table("t.json", b'[{"a": ' * 100_000), "TG35"),
    "json-number-without-end": (_table("t.json", b'[{"a": "x", "b": 1e999999999}]'), "TG35"),
    "json-number-of-a-million-digits": (_table("t.json", b'[{"a": "x", "b": ' + b"9" * MB + b"}]"), "TG35"),
    "json-not-a-number": (_table("t.json", b'[{"a": "x", "b": NaN}]'), "TG35"),
    "json-key-twice": (_table("t.json", b'[{"a": "x", "a": "y", "b": 1}]'), "TG35"),
    "jsonl-of-a-million-broken-lines": (_table("t.jsonl", b"{\n" * MB), "TG35"),
    # what documents hold
    "a-pattern-that-explodes": (_pattern("^(a+)+$"), ""),
    "a-pattern-that-is-huge": (_pattern("(a{1000}){1000}"), "TG353"),
    "a-pattern-that-looks-ahead": (_pattern("^(?!b)(a+)+$"), "TG353"),
    "a-pattern-in-a-pattern": (_pattern("((((((((((a{9}){9}){9}){9}){9}){9}){9}){9}){9}){9}"), "TG353"),
    "a-pattern-5000-deep": (_pattern("(" * 5_000 + "a" + ")" * 5_000), "TG353"),
    "a-formula-10000-deep": (_mapping(f'{{expr: "{"(" * 4_000}1{")" * 4_000}"}}'), "TG252"),
    "a-formula-of-nots": (_mapping(f'{{expr: "{"not " * 2_000}1"}}'), "TG252"),
    "a-formula-of-a-megabyte": (_mapping(f'{{expr: "{"1+" * 400_000}1"}}'), "TG252"),
    "a-formula-of-signs": (_mapping(f'{{expr: "{"-" * 9_000}1"}}'), "TG252"),
    "a-formula-of-fields": (_mapping(f'{{expr: "a{".a" * 4_000}"}}'), "TG252"),
    "a-path-10000-deep": (_mapping(f"{{path: 'a{'[?a' * 2_000}{']' * 2_000}'}}"), "TG251"),
    "a-path-of-brackets": (_mapping(f"{{path: 'a{'[]' * 4_000}'}}"), "TG251"),
    "a-template-5000-deep": (_mapping(f'{{template: "{"{% if a %}" * 600}{"{% endif %}" * 600}"}}'), "TG253"),
    "a-template-of-parentheses": (
        _mapping(f'{{template: "{{{{ {"(" * 4_000}1{")" * 4_000} }}}}"}}'),
        "TG253",
    ),
    "mappings-that-name-nothing": (
        _text(
            _many(
                MAPPING.replace("mapping: m", "mapping: m#").replace("thing@1", "thng#@1") + "  f: b.c\n",
                1_500,
            )
        ),
        "TG310",
    ),
}
