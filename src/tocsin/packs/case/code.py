"""Work on Tocsin's own cases."""

from tocsin.connectors.sdk import Context, Invalid, JsonObject


async def open(ctx: Context, input: JsonObject) -> JsonObject:
    """Open a case; the alert that started the run goes into it."""
    fields: JsonObject = {**{name: value for name, value in input.items() if value is not None}}
    if ctx.alert is not None:
        fields.setdefault("alert", ctx.alert)
    return await ctx.platform.open_case(fields, key=ctx.key)


async def close(ctx: Context, input: JsonObject) -> JsonObject:
    """Close a case with what was found."""
    return await ctx.platform.close_case(_case(ctx, input), str(input["verdict"]), str(input["reason"]), key=ctx.key)


async def note(ctx: Context, input: JsonObject) -> JsonObject:
    """Add a note to a case's timeline."""
    case = _case(ctx, input)
    await ctx.platform.note_case(case, str(input["text"]), key=ctx.key)
    return {"case": case}


async def add_alert(ctx: Context, input: JsonObject) -> JsonObject:
    """Put an alert into a case."""
    case, alert = _case(ctx, input), input.get("alert") or ctx.alert
    if not isinstance(alert, str):
        raise Invalid("No alert started this run.", hint="Name one: 'alert: ${{ … }}'.")
    await ctx.platform.link_alert(case, alert, key=ctx.key)
    return {"case": case, "alert": alert}


def _case(ctx: Context, input: JsonObject) -> str:
    case = input.get("case") or ctx.case
    if not isinstance(case, str):
        raise Invalid("This run belongs to no case.", hint="Name one: 'case: ${{ … }}', or close the alert alone with alert.close.")
    return case
