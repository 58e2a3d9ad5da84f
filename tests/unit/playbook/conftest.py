import json
from pathlib import Path

import pytest

from tocsin.core.effects import ActionSpec, Effect, OnUnknown
from tocsin.core.values import JsonObject
from tocsin.playbook.catalogue import FixedCatalogue

ACTIONS = Path(__file__).parents[2] / "golden" / "playbook" / "catalogue.json"


def _schema(fields: dict[str, object] | None, required: list[str]) -> JsonObject:
    if fields is None:
        return {}
    properties = {name: {"type": one} if isinstance(one, str) else one for name, one in fields.items()}
    return {"type": "object", "properties": properties, "required": required}


@pytest.fixture(scope="session")
def catalogue() -> FixedCatalogue:
    return FixedCatalogue(
        ActionSpec(
            name=one["name"],
            title=one["name"],
            effect=Effect(one["effect"]),
            on_unknown=OnUnknown(one["on_unknown"]) if "on_unknown" in one else None,
            input_schema=_schema(one["input"], one["required"]),
            output_schema=_schema(one["output"], one.get("given", [])),
            undo=one.get("undo"),
        )
        for one in json.loads(ACTIONS.read_text())
    )
