"""A backtest over a data folder that no server uses: its parts are put together, and nothing of it is started."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from tocsin.api.routes.backtests import lines_of, wanted_of
from tocsin.api.routes.trials import world_of
from tocsin.api.schemas.backtests import BacktestIn
from tocsin.core.values import JsonObject
from tocsin.services.backtest.backtest import backtest
from tocsin.services.backtest.result import Totals
from tocsin.settings import Settings
from tocsin.store.opening import open_store
from tocsin.wiring import OPERATOR, Assembly


@contextlib.asynccontextmanager
async def own_lines(settings: Settings, playbook: str, body: JsonObject) -> AsyncIterator[AsyncIterator[JsonObject]]:
    """Yield the lines of a backtest, as the server would stream them."""
    store = await asyncio.to_thread(open_store, Path(settings.data))
    try:
        assembly = Assembly(settings, store, url="http://127.0.0.1", environ=os.environ)
        try:
            await asyncio.to_thread(assembly.plans.refresh)
            parts = assembly.parts()
            wanted = await wanted_of(playbook, BacktestIn.model_validate(body), parts, OPERATOR, most=None)
            totals = Totals()
            pages = backtest(world_of(parts), OPERATOR, wanted, totals)
            yield lines_of(wanted, pages, totals)
        finally:
            await assembly.code.aclose()
            await assembly.connectors.aclose()
    finally:
        await asyncio.to_thread(store.close)
