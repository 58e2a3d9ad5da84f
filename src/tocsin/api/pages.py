"""Pages for people: rendered here, without a script, under a policy that allows one style sheet of our own and nothing else."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi.responses import HTMLResponse

from tocsin.core.values import Instant
from tocsin.services.inert import inert, shown
from tocsin.services.reports import CaseReport, as_html

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
STYLE = Path(__file__).parent / "static" / "tocsin.css"
STYLE_PATH = "/static/tocsin.css"
_POLICY = "default-src 'none'; style-src {style}; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action {form}"
_DEFAULTS = {"person": "", "csrf": "", "problem": "", "style": STYLE_PATH}


def page(name: str, values: Mapping[str, object], *, status: int = 200) -> HTMLResponse:
    """Render a page; `form-action` allows forms to ourselves only."""
    text = _environment().get_template(name).render(_DEFAULTS | dict(values))
    return HTMLResponse(text, status, {"content-security-policy": _POLICY.format(style="'self'", form="'self'")})


def report_response(report: CaseReport, *, nonce: str) -> HTMLResponse:
    """Return a case's report; its style is inside, so that the page can be saved and sent."""
    policy = _POLICY.format(style=f"'nonce-{nonce}'", form="'none'")
    return HTMLResponse(as_html(report, nonce=nonce), 200, {"content-security-policy": policy})


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    import jinja2  # the API alone starts faster without it

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"inert": lambda text: inert(str(text)), "shown": lambda text: shown(str(text)), "minute": _minute}
    environment.filters["pretty"] = lambda value: json.dumps(value, indent=1, ensure_ascii=False, default=str)
    return environment


def _minute(at: Instant | str | None) -> str:
    if at is None:
        return "–"
    text = at if isinstance(at, str) else at.isoformat()
    return f"{text[:10]} {text[11:16]} UTC"
