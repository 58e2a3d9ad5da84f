"""The CrowdSec pack's source: its Local API cannot push, so ask it."""

import asyncio
from datetime import datetime, timedelta

from tocsin.connectors.sdk import Invalid, Json, JsonObject, SourceContext, Transient, iso, parse_duration, parse_instant


async def poll(ctx: SourceContext) -> None:
    """Emit every alert once, oldest first; the cursor is the highest id and the time of asking."""
    every = parse_duration(_option(ctx, "every", "15s"))
    overlap = parse_duration(_option(ctx, "overlap", "1h"))
    last, asked = _read_cursor(ctx.cursor)
    if asked is None:
        asked = ctx.now() - parse_duration(_option(ctx, "backlog", "1h")) + overlap
    while True:
        now = ctx.now()
        # `since` counts from an attack's first event, and the alert comes later: ask further back, and skip what is known by its id
        for alert in await _alerts(ctx, now - asked + overlap):
            number = alert.get("id")
            if isinstance(number, int) and number > last:
                last = number
                await ctx.emit(alert, {"id": last, "asked": iso(now)})
        asked = now
        await asyncio.sleep(every.total_seconds())


async def _alerts(ctx: SourceContext, span: timedelta) -> list[JsonObject]:
    seconds = max(1, int(span.total_seconds()))
    response = await ctx.http.get("/v1/alerts", params={"since": f"{seconds}s", "limit": 0})
    if response.status_code != 200:
        raise Transient(f"CrowdSec answered with status {response.status_code} when asked for alerts.", hint="Check its log.")
    try:
        body: Json = response.json()
    except ValueError:
        raise Invalid("CrowdSec did not answer with JSON.", hint="Check the connection's url.") from None
    alerts = [alert for alert in body if isinstance(alert, dict)] if isinstance(body, list) else []
    return sorted(alerts, key=lambda alert: str(alert.get("id", "")).zfill(20))


def _read_cursor(cursor: Json) -> tuple[int, datetime | None]:
    if not isinstance(cursor, dict):
        return 0, None
    number, asked = cursor.get("id"), cursor.get("asked")
    return number if isinstance(number, int) else 0, parse_instant(asked) if isinstance(asked, str) else None


def _option(ctx: SourceContext, name: str, default: str) -> str:
    value = ctx.options.get(name)
    return value if isinstance(value, str) else default
