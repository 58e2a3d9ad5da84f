"""Whether it lives and is ready; no details, for anybody may ask."""

from tocsin.api.routing import WithParts, api_router
from tocsin.api.schemas.health import HealthOut

router = api_router(tag="health")


@router.get("/health/live", summary="Tell whether it lives", operation_id="get_liveness")
async def get_liveness() -> HealthOut:
    """Answer at all."""
    return HealthOut(status="live")


@router.get("/health/ready", summary="Tell whether it takes work", operation_id="get_readiness")
async def get_readiness(parts: WithParts) -> HealthOut:
    """Answer once a read of the store works."""
    await parts.units.read(lambda _: None)
    return HealthOut(status="ready")
