"""Ask and tell what Tocsin knows of observables."""

from tocsin.connectors.sdk import Context, Invalid, JsonObject, Observable, ObservableType, observe


async def look_up(ctx: Context, input: JsonObject) -> JsonObject:
    """Return what is known of an observable."""
    observable = _observable(input)
    return {**observable.as_json(), **await ctx.platform.look_up(observable)}


async def set_verdict(ctx: Context, input: JsonObject) -> JsonObject:
    """Record a verdict about an observable."""
    observable, verdict = _observable(input), str(input["verdict"])
    source = str(input.get("source") or f"run {ctx.run}")
    await ctx.platform.set_verdict(observable, verdict, str(input.get("reason", "")), source, key=ctx.key)
    return {**observable.as_json(), "verdict": verdict, "reason": input.get("reason", ""), "source": source}


async def extract(ctx: Context, input: JsonObject) -> JsonObject:
    """Return the observables in a text, all of them and by type."""
    found = await ctx.platform.extract(str(input["text"]))
    by_type: JsonObject = {type.value: [seen["value"] for seen in found if seen["type"] == type.value] for type in ObservableType}
    return {"observables": [*found], "by_type": by_type, "count": len(found)}


async def check_warning_lists(ctx: Context, input: JsonObject) -> JsonObject:
    """Return the lists of well-known harmless values that contain the observable."""
    observable = _observable(input)
    lists = await ctx.platform.warning_lists(observable)
    return {**observable.as_json(), "listed": bool(lists), "lists": [*lists]}


def _observable(input: JsonObject) -> Observable:
    type, value = input.get("type"), input.get("value")
    if not isinstance(value, str) or type not in list(ObservableType):
        raise Invalid(f"'{type}' is no type of an observable, or 'value' is no text.", hint=f"Use one of {', '.join(ObservableType)}.")
    return observe(ObservableType(str(type)), value)
