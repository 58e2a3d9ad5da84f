"""What a start hands to a playbook: defaults filled in, and what does not fit."""

from tocsin.core.errors import Invalid
from tocsin.core.values import JsonObject
from tocsin.playbook.plan import Plan


def with_defaults(plan: Plan, given: JsonObject) -> JsonObject:
    """Return the inputs with the defaults of those that were not given."""
    declared = _declared(plan)
    return {**{name: schema["default"] for name, schema in declared.items() if "default" in schema}, **given}


def handed_over(plan: Plan, given: JsonObject) -> JsonObject:
    """Return the inputs of a call; raises Invalid naming what the playbook does not know and what it misses."""
    inputs, declared = with_defaults(plan, given), _declared(plan)
    required = plan.inputs.get("required")
    missing = [str(name) for name in required if name not in inputs] if isinstance(required, list) else []
    unknown = [name for name in given if name not in declared]
    if missing or unknown:
        parts = [f"it misses {', '.join(missing)}"] * bool(missing) + [f"it has no {', '.join(unknown)}"] * bool(unknown)
        raise Invalid(f"The inputs of the playbook '{plan.id}' do not fit: {'; '.join(parts)}.", hint="See its 'inputs'.")
    return inputs


def _declared(plan: Plan) -> dict[str, JsonObject]:
    properties = plan.inputs.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {name: schema for name, schema in properties.items() if isinstance(schema, dict)}
