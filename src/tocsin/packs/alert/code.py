"""Work on Tocsin's own alerts."""

from tocsin.connectors.sdk import Context, Invalid, JsonObject


async def close(ctx: Context, input: JsonObject) -> JsonObject:
    """Resolve an alert with what was found."""
    alert = input.get("alert") or ctx.alert
    if not isinstance(alert, str):
        raise Invalid("No alert started this run.", hint="Name one: 'alert: ${{ … }}'.")
    await ctx.platform.close_alert(alert, str(input["verdict"]), str(input["reason"]), key=ctx.key)
    return {"alert": alert, "status": "resolved", "verdict": input["verdict"], "reason": input["reason"]}
