"""Load packs from folders: fast, complete in its complaints, and never stopped by a broken pack."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from tocsin.connectors.manifest import SCHEMA, Action, Pack
from tocsin.connectors.nodes import Members, Node
from tocsin.connectors.read_action import read_action
from tocsin.connectors.read_connection import read_connection, read_signature, read_source
from tocsin.connectors.read_mapping import read_mapping
from tocsin.connectors.yamltext import Document, read_yaml
from tocsin.core.diagnostics import Diagnostic, Level
from tocsin.core.effects import Effect
from tocsin.core.errors import ActionNotFound, PackNotFound

BUILTIN = Path(__file__).resolve().parent.parent / "packs"

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_PACK = (
    "schema", "id", "title", "product", "version", "description", "categories", "connection", "check", "docs", "sources", "webhook",
)  # fmt: skip

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Packs:
    """The packs that could be loaded, and what is wrong with the others."""

    packs: Mapping[str, Pack] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()

    def pack(self, name: str) -> Pack:
        """Return a pack; raises PackNotFound."""
        if name in self.packs:
            return self.packs[name]
        near = get_close_matches(name, self.packs, 1)
        broken = sorted({d.span.file for d in self.diagnostics if d.level is Level.ERROR and f"/{name}/" in f"/{d.span.file}"})
        hint = f"It is installed but broken: see `tocsin pack check` about {broken[0]}." if broken else ""
        hint = hint or (f"Did you mean '{near[0]}'?" if near else f"Installed packs: {', '.join(sorted(self.packs))}.")
        raise PackNotFound(f"There is no pack '{name}'.", hint=hint)

    def action(self, name: str) -> tuple[Pack, Action]:
        """Return the pack and the action of `pack.action`; raises PackNotFound or ActionNotFound."""
        pack_name, _, action_name = name.partition(".")
        pack = self.pack(pack_name)
        if action_name in pack.actions:
            return pack, pack.actions[action_name]
        near = get_close_matches(action_name, pack.actions, 1)
        hint = f"Did you mean '{pack.id}.{near[0]}'?" if near else f"It has: {', '.join(sorted(pack.actions)) or 'no actions'}."
        raise ActionNotFound(f"The pack '{pack.id}' has no action '{action_name}'.", hint=hint)


def load_packs(folders: Sequence[Path]) -> Packs:
    """Load every pack of the folders; of two with one id the first counts and the second is reported."""
    packs: dict[str, Pack] = {}
    diagnostics: list[Diagnostic] = []
    for folder in folders:
        for path in _pack_folders(folder):
            pack, found = load_pack(path)
            diagnostics += found
            if pack is None:
                continue
            if pack.id in packs:
                document = Document(_shown(path, "pack.yaml"))
                document.report("PK310", f"There is a pack '{pack.id}' already, in {packs[pack.id].folder}.", hint="Rename or remove one.")
                diagnostics += document.diagnostics
                continue
            packs[pack.id] = pack
    return Packs(packs, tuple(sorted(diagnostics)))


def load_pack(folder: Path) -> tuple[Pack | None, list[Diagnostic]]:
    """Load one pack; None when a diagnostic is an error."""
    document = read_yaml(folder / "pack.yaml", name=_shown(folder, "pack.yaml"))
    if document.value is None:
        if not document.diagnostics:
            document.report("PK203", "The file is empty.", hint="See docs/reference/pack-format.md.")
        return None, document.diagnostics
    reader = _PackReader(folder, document)
    pack = reader.read()
    diagnostics = sorted(set(reader.diagnostics))
    return (None if any(found.level is Level.ERROR for found in diagnostics) else pack), diagnostics


def _pack_folders(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in sorted(folder.iterdir()) if (path / "pack.yaml").is_file())


def _shown(folder: Path, name: str) -> str:
    return f"{folder.name}/{name}"


class _PackReader:
    def __init__(self, folder: Path, document: Document) -> None:
        self._folder = folder
        self._document = document
        self.diagnostics: list[Diagnostic] = []

    def read(self) -> Pack:
        top = Node(self._document, self._document.value)
        parts = top.members(known=_PACK, required=("schema", "id", "title", "product", "version"))
        self._check_head(parts)
        connection, webhook = parts.get("connection"), parts.get("webhook")
        spec = None if connection is None else read_connection(connection)
        sources, categories = parts.get("sources"), parts.get("categories")
        name = self._folder.name
        actions = self._files("actions", lambda node, key, _: read_action(node, pack=name, name=key, connection=spec))
        mappings = self._files("mappings", lambda node, key, file: read_mapping(node, name=key, file=file))
        pack = Pack(
            id=name,
            title=parts.text("title"),
            product=parts.text("product"),
            version=parts.text("version"),
            folder=self._folder,
            description=parts.text("description"),
            categories=() if categories is None else tuple(item.text() for item in categories.items()),
            docs=parts.text("docs"),
            check=parts.text("check"),
            connection=spec,
            sources={} if sources is None else {key: read_source(key, part) for key, part in sources.entries().items()},
            signature=None if webhook is None else read_signature(webhook),
            actions=actions,
            mappings=mappings,
            builtin=self._folder.resolve().parent == BUILTIN,
        )
        _check_references(pack, parts)
        self.diagnostics += self._document.diagnostics
        return pack

    def _check_head(self, parts: Members) -> None:
        schema, identity = parts.get("schema"), parts.get("id")
        if schema is not None and schema.value != SCHEMA:
            schema.report("PK104", f"'{schema.value}' is not a pack format that this version reads.", hint=f"Write schema: {SCHEMA}.")
        if identity is not None and identity.value != self._folder.name:
            identity.report("PK208", f"The id must be the folder's name, '{self._folder.name}'.", hint="Make them the same.")
        if not _NAME.fullmatch(self._folder.name):
            parts.node.report("PK208", f"'{self._folder.name}' is not a pack id.", hint="Use lower-case letters, digits and _.")

    def _files(self, kind: str, read: "Callable[[Node, str, str], Part]") -> dict[str, Part]:
        found: dict[str, Part] = {}
        for path in sorted((self._folder / kind).glob("*.yaml")):
            file = _shown(self._folder, f"{kind}/{path.name}")
            document = read_yaml(path, name=file)
            if not _NAME.fullmatch(path.stem):
                document.report("PK208", f"'{path.stem}' is not a name.", hint="Use lower-case letters, digits and _.")
            if document.value is not None:
                found[path.stem] = read(Node(document, document.value), path.stem, file)
            elif not document.diagnostics:
                document.report("PK203", "The file is empty.", hint="See docs/reference/pack-format.md.")
            self.diagnostics += document.diagnostics
        return found


def _check_references(pack: Pack, parts: Members) -> None:
    top = parts.node
    for action in pack.actions.values():
        undo = action.spec.undo
        if undo is not None and undo.partition(".")[2] not in pack.actions:
            top.report("PK303", f"'undo' of {action.spec.name} names {undo}, which is not there.", hint="Name an action of this pack.")
    if pack.check:
        _check_check(pack, parts.need("check"))
    for source in pack.sources.values():
        if source.mapping and source.mapping not in pack.mappings:
            top.report("PK307", f"The source '{source.name}' names the mapping '{source.mapping}', which is not there.", hint="Add it.")


def _check_check(pack: Pack, node: Node) -> None:
    action = pack.actions.get(pack.check)
    if action is None:
        node.report("PK304", f"'check' names the action '{pack.check}', which is not there.", hint="Name a read action of this pack.")
    elif action.spec.effect is not Effect.READ or action.spec.input_schema.get("required"):
        node.report("PK304", f"'check' names {pack.check}, which must be a read without required input.", hint="Name another action.")
