"""Say what an action, a filter, a type or a code is, in the Markdown that editors show."""

from typing import Final

from tocsin.core.effects import ActionSpec, Effect
from tocsin.core.values import JsonObject
from tocsin.playbook.codes import Code
from tocsin.playbook.expr.grammar import ANY, FilterRule
from tocsin.playbook.schemas import articled, fields_of, required_of, types_of
from tocsin.playbook.types.describe import described, described_kinds
from tocsin.playbook.types.lattice import Items, Presence, Text, Type, members_of, objects_of

_EFFECTS: Final = {
    Effect.READ: "changes nothing",
    Effect.WRITE: "can be undone, or does no harm",
    Effect.DESTRUCTIVE: "stops somebody's work",
}
_MOST: Final = 30  # fields that are listed


def about_action(spec: ActionSpec) -> str:
    """Describe an action: its title, effect, arguments and output."""
    undo = f" Undone by `{spec.undo}`." if spec.undo else ""
    parts = [f"**{spec.name}**: {spec.title}", f"Effect `{spec.effect.value}`: {_EFFECTS[spec.effect]}.{undo}"]
    parts += [_listed("Takes", spec.input_schema), _listed("Gives", spec.output_schema)]
    return "\n\n".join(part for part in parts if part)


def about_filter(rule: FilterRule) -> str:
    """Describe a filter: what it takes and gives."""
    arguments = ", ".join(one.name if one.required else f"[{one.name}]" for one in rule.arguments)
    takes = "a value" if rule.takes == ANY else described_kinds(rule.takes)
    gives = "a value" if rule.gives == ANY else described_kinds(rule.gives)
    call = f"{rule.name}({arguments})" if arguments else rule.name
    return f"{takes} → {gives}\n\n`{call}`"


def about_type(type: Type) -> str:
    """Describe a type with the fields that a value of it has."""
    lines = [described(type)]
    for one in members_of(type):
        if isinstance(one, Text) and one.options and len(one.options) > 1:
            lines.append("One of " + ", ".join(f"`{option}`" for option in one.options[:_MOST]))
        if isinstance(one, Items):
            lines += [f"- each `{name}`: {described(field.type)}" for inner in objects_of(one.item) for name, field in inner.fields.items()]
    for inner in objects_of(type):
        for name, field in list(inner.fields.items())[:_MOST]:
            lines.append(f"- `{name}`: {described(field.type)}{', may be missing' if field.presence is Presence.MAYBE else ''}")
    return "\n".join([lines[0], "", *lines[1 : _MOST + 1]]).rstrip()


def about_code(code: Code) -> str:
    """Describe the code of a diagnostic."""
    return f"**{code.id} {code.slug}**: {code.title}\n\n{code.reason}"


def _listed(what: str, schema: JsonObject) -> str:
    fields, required = fields_of(schema), required_of(schema)
    if not fields:
        return ""
    lines = [f"{what}:"]
    for name, one in list(fields.items())[:_MOST]:
        said = one.get("description") or one.get("title")
        about = f": {said}" if isinstance(said, str) else ""
        lines.append(f"- `{name}` {articled(types_of(one)) or 'a value'}{', needed' if name in required else ''}{about}")
    return "\n".join(lines)
