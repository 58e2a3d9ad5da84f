"""The typed questions that an ask may put beside its options."""

import math

from tocsin.core.errors import Invalid
from tocsin.core.values import Json, JsonObject

LONGEST_TEXT = 10_000


def checked_form(form: JsonObject, given: JsonObject) -> JsonObject:
    """Return the answers to a form, defaults filled in; raises Invalid that names every field with a problem."""
    found: JsonObject = {}
    problems = [f"'{name}' is not a field of this form" for name in given if name not in form]
    for name, spec in form.items():
        field = spec if isinstance(spec, dict) else {}
        value = given.get(name, field.get("default"))
        problem = _problem(field, value)
        if problem:
            problems.append(f"'{name}' {problem}")
        elif value is not None:
            found[name] = value
    if problems:
        raise Invalid(f"The form is not filled in right: {'; '.join(problems)}.", hint="Correct these fields and answer again.")
    return found


def read_form(form: JsonObject, typed: dict[str, str]) -> JsonObject:
    """Turn the text that a browser sends into values of the fields' types; raises Invalid."""
    found: JsonObject = {}
    for name, text in typed.items():
        spec = form.get(name)
        found[name] = _typed(spec if isinstance(spec, dict) else {}, text)
    for name, spec in form.items():
        # A browser sends nothing for a box that is not ticked.
        if isinstance(spec, dict) and spec.get("type") == "boolean" and name not in typed:
            found[name] = False
    return {name: value for name, value in found.items() if value is not None}


def _problem(field: JsonObject, value: Json) -> str:
    if value is None or value == "":
        return "is required" if field.get("required", True) and "default" not in field else ""
    wanted = field.get("type", "string")
    if not _fits(wanted, value):
        return f"must be of type {wanted}"
    choices = field.get("enum")
    if isinstance(choices, list) and value not in choices:
        return f"must be one of {', '.join(str(choice) for choice in choices)}"
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return f"is longer than {LONGEST_TEXT} characters"
    return ""


def _fits(wanted: Json, value: Json) -> bool:
    match wanted:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case _:
            return isinstance(value, str)


def _typed(field: JsonObject, text: str) -> Json:
    if text == "":
        return None
    try:
        match field.get("type", "string"):
            case "boolean":
                return text in ("true", "on", "yes", "1")
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case _:
                return text
    except ValueError:
        return text  # `checked_form` says what is wrong with it
