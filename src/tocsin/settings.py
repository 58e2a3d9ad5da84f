"""Settings: the file `tocsin.yaml`, then the environment (`TOCSIN_…`), then the command line."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tocsin.core.errors import Invalid
from tocsin.core.playbooks import Review
from tocsin.core.values import JsonObject


class SecretRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a credential is read: exactly one of an environment variable and a file."""

    env: str = ""
    file: str = ""


class ConnectionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A configured instance of a connector."""

    name: str
    pack: str
    config: JsonObject = {}
    secrets: dict[str, SecretRef] = {}


class WebhookSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a source's webhook is checked."""

    secret: SecretRef


class SourceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where alerts come from; `source` names a source of the pack that Tocsin runs itself (such as `tail`)."""

    name: str
    pack: str
    mapping: str = ""
    source: str = ""
    connection: str = ""
    options: JsonObject = {}
    webhook: WebhookSettings | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything an operator can set."""

    data: str = "tocsin-data"
    """Folder of the database, the blobs and the lock file."""
    host: str = "127.0.0.1"
    """Address to listen on. Anything but loopback needs `public_url`."""
    port: int = 8484
    """Port to listen on; 0 takes a free one."""
    public_url: str = ""
    """Where people reach Tocsin, as it stands in mails. Default: http://HOST:PORT."""
    playbooks: list[str] = []
    """Files and folders of playbooks that are published at start."""
    playbook_review: Review = Review.REQUIRED
    """Whether somebody other than its author must approve a version that is saved by the API before it is published: required or off. An
    administrator may publish without, which the audit log records. The files of `playbooks` need no approval."""
    packs: list[str] = []
    """Folders of packs beside the shipped ones."""
    connections: list[ConnectionSettings] = []
    """Configured instances of connectors."""
    sources: list[SourceSettings] = []
    """Where alerts come from."""
    egress_allow: list[str] = []
    """Inside networks that connectors may reach, as CIDR or CIDR:PORT. Without an entry only public addresses are reached."""
    admin_email: str = "admin@localhost"
    """Mail address of the administrator who is made at the first start."""
    log_level: str = "info"
    """debug, info, warning or error."""


_ENVIRONMENT = ("data", "host", "port", "public_url", "admin_email", "log_level")


def load_settings(file: Path | None, *, environ: Mapping[str, str] = os.environ, **overrides: str | int | None) -> Settings:
    """Read the settings; raises Invalid naming the file, the field and the reason."""
    values: dict[str, object] = dict(_read(file)) if file is not None else {}
    for name in _ENVIRONMENT:
        if text := environ.get(f"TOCSIN_{name.upper()}"):
            values[name] = int(text) if name == "port" and text.isdigit() else text
    values |= {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise Invalid(f"{file or 'The settings'}: {error}.", hint="See docs/reference/settings.md.") from None
    return _checked(settings, file)


def _read(file: Path) -> dict[str, object]:
    from ruamel.yaml import YAML  # a tenth of a second, which a start without a file need not spend
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe").load(file.read_text("utf-8"))
    except FileNotFoundError:
        raise Invalid(f"There is no settings file '{file}'.", hint="Write one, or leave --config out.") from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise Invalid(f"The settings file '{file}' cannot be read: {error}") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Invalid(f"The settings file '{file}' must be a map.")
    return {str(key): value for key, value in found.items()}


def _checked(settings: Settings, file: Path | None) -> Settings:
    for kind, names in (("connection", [one.name for one in settings.connections]), ("source", [one.name for one in settings.sources])):
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise Invalid(f"{file or 'The settings'}: two {kind}s are called '{twice}'.", hint="Give each a name of its own.")
    for source in settings.sources:
        if source.webhook is not None and not (source.webhook.secret.env or source.webhook.secret.file):
            raise Invalid(f"The webhook of source '{source.name}' has no secret.", hint="Give it {env: NAME} or {file: PATH}.")
    if settings.host not in ("127.0.0.1", "::1", "localhost") and not settings.public_url:
        raise Invalid(
            f"Tocsin does not listen on {settings.host} without 'public_url'.",
            hint="Say where people reach it, for example https://soar.example.org, and put TLS in front.",
        )
    return settings
