"""Check values against JSON Schemas, wholly and without a network."""

from tocsin.core.values import Json, JsonObject

_MOST = 3


def problems(value: Json, schema: JsonObject) -> list[str]:
    """Return what does not fit, each as `path: reason`."""
    if not schema:
        return []
    # jsonschema takes 60 ms to import: only who checks pays for it
    from jsonschema import Draft202012Validator
    from referencing import Registry

    validator = Draft202012Validator(schema, registry=Registry())
    found = []
    for error in sorted(validator.iter_errors(value), key=lambda one: [str(part) for part in one.absolute_path]):
        path = ".".join(str(part) for part in error.absolute_path)
        reason = error.message if len(error.message) <= 160 else f"{error.message[:100]} …"
        found.append(f"{path}: {reason}" if path else reason)
    return found[:_MOST]
