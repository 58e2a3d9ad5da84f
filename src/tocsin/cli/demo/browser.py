"""As much of a browser as it takes to sign in and send a form."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    import httpx


@dataclass(slots=True)
class Form:
    """A form of a page: where it goes, what stands in it, and which buttons it has."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a form and what is in it."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""))
            self.found.append(self._open)
        elif self._open is not None and given.get("name"):
            if tag == "button":
                self._open.buttons.append((given["name"], given.get("value", "")))
            elif tag in ("input", "textarea", "select"):
                self._open.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a form."""
        if tag == "form":
            self._open = None


def forms_of(page: str) -> list[Form]:
    """Return the forms of a page."""
    parser = _Forms()
    parser.feed(page)
    return parser.found


async def submit(http: "httpx.AsyncClient", form: Form, *, page: str, **values: str) -> "httpx.Response":
    """Send a form of the page at `page`, as a browser does, and follow where it leads."""
    parts = urlsplit(page)
    return await http.post(
        urljoin(page, form.action),
        data={**form.fields, **values},
        headers={"origin": f"{parts.scheme}://{parts.netloc}", "referer": page},
        follow_redirects=True,
    )
