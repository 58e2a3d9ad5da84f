"""Token buckets, on a clock of our own."""

from tocsin.connectors.manifest import Rate
from tocsin.connectors.ratelimit import Bucket


async def test_burst_goes_at_once_and_the_rest_waits_its_turn() -> None:
    now, waited = 0.0, []

    async def sleep(seconds: float) -> None:
        waited.append(round(seconds, 3))

    bucket = Bucket(Rate(per_second=2, burst=2), tick=lambda: now, sleep=sleep)
    for _ in range(4):
        await bucket.take()
    assert waited == [0.5, 1.0]
    now = 10.0
    await bucket.take()
    assert waited == [0.5, 1.0]
