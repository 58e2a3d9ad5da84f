"""Health and webhooks over the wire."""

from tocsin.api.schemas.base import Out


class HealthOut(Out):
    """Whether it is well; no details for whoever asks."""

    status: str


class HookOut(Out):
    """What became of a delivery."""

    duplicate: bool
    received: int
    alerts: int
    folded: int
