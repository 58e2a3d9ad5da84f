"""Packs over the wire."""

from pydantic import Field

from tocsin.api.schemas.base import Out
from tocsin.connectors.manifest import Pack
from tocsin.core.effects import ActionSpec, Effect, OnUnknown
from tocsin.core.values import JsonObject


class ActionOut(Out):
    """One action of a pack."""

    name: str
    title: str
    effect: Effect
    on_unknown: OnUnknown | None = Field(description="What happens when nobody knows whether it happened.")
    undo: str | None
    input_schema: JsonObject
    output_schema: JsonObject

    @classmethod
    def of(cls, spec: ActionSpec) -> "ActionOut":
        """Make it."""
        return cls(
            name=spec.name,
            title=spec.title,
            effect=spec.effect,
            on_unknown=spec.on_unknown,
            undo=spec.undo,
            input_schema=spec.input_schema,
            output_schema=spec.output_schema,
        )


class PackOut(Out):
    """A connector pack."""

    id: str
    title: str
    product: str
    version: str
    description: str
    categories: list[str]
    sources: list[str]
    actions: list[ActionOut]

    @classmethod
    def of(cls, pack: Pack) -> "PackOut":
        """Make it."""
        return cls(
            id=pack.id,
            title=pack.title,
            product=pack.product,
            version=pack.version,
            description=pack.description,
            categories=list(pack.categories),
            sources=sorted(pack.sources),
            actions=[ActionOut.of(pack.actions[name].spec) for name in sorted(pack.actions)],
        )


class PackList(Out):
    """Every pack that could be loaded."""

    items: list[PackOut]
