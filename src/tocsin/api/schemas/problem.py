"""RFC 9457 problems."""

from pydantic import BaseModel, ConfigDict, Field


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str
    reason: str


class ProblemOut(BaseModel):
    """What went wrong and what to do about it (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:tocsin:error:not-found",
                    "title": "Not found",
                    "status": 404,
                    "detail": "There is no alert 'alr_01m'.",
                    "instance": "/api/v1/alerts/alr_01m",
                }
            ]
        }
    )

    type: str = Field(description="urn:tocsin:error:<code>; the code never changes its meaning.")
    title: str
    status: int
    detail: str
    hint: str | None = Field(default=None, description="What to do next.")
    instance: str | None = Field(default=None, description="The path asked for, or the log line of an error that nobody expected.")
    errors: list[FieldProblem] | None = Field(default=None, description="The fields that do not fit.")
