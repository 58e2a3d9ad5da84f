"""Background work is begun again when it ends by a defect, and ends for good when the server stops."""

import asyncio

from tocsin.services.lasting import Lasting


async def test_work_that_breaks_is_begun_again_and_ends_with_the_server() -> None:
    begun, third = [], asyncio.Event()

    async def work() -> None:
        begun.append(len(begun))
        if len(begun) < 3:
            raise ZeroDivisionError
        third.set()
        await asyncio.Event().wait()

    lasting = Lasting(again_s=0)
    lasting.start("work", work)
    async with asyncio.timeout(5):
        await third.wait()
    await lasting.stop()
    lasting.start("more", work)
    await asyncio.sleep(0)
    assert begun == [0, 1, 2]
