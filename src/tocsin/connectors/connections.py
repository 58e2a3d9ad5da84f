"""Connections as they are configured, and their credentials as they are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tocsin.connectors.manifest import ConnectionSpec, Pack
from tocsin.connectors.sdk import Connection, Secret
from tocsin.connectors.validation import checked
from tocsin.core.errors import CredentialMissing, Invalid
from tocsin.core.values import JsonObject

_LONGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class SecretRef:
    """Where a credential stands: an environment variable or a file; exactly one is set."""

    env: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionConfig:
    """One entry of `connections` in tocsin.yaml."""

    name: str
    pack: str
    config: JsonObject = field(default_factory=dict)
    secrets: Mapping[str, SecretRef] = field(default_factory=dict)


def read_secret(ref: SecretRef, *, what: str, environ: Mapping[str, str]) -> Secret:
    """Read a credential; raises CredentialMissing."""
    if ref.env:
        value = environ.get(ref.env, "")
        if not value:
            raise CredentialMissing(f"{what} is missing.", hint=f"Set the environment variable {ref.env}.")
        return Secret(value)
    if not ref.file:
        raise CredentialMissing(f"{what} has no place.", hint="Write {env: NAME} or {file: PATH}.")
    try:
        content = Path(ref.file).read_bytes()[:_LONGEST]
        value = content.decode("utf-8").rstrip("\r\n")
    except OSError as error:
        raise CredentialMissing(f"{what} cannot be read: {error.strerror}.", hint=f"Put it into {ref.file}, readable for Tocsin.") from None
    except UnicodeDecodeError:
        raise CredentialMissing(f"{what} is not UTF-8.", hint=f"Write {ref.file} as UTF-8 text.") from None
    if not value:
        raise CredentialMissing(f"{what} is empty.", hint=f"Put it into {ref.file}.")
    return Secret(value)


def connect(config: ConnectionConfig, pack: Pack, *, environ: Mapping[str, str]) -> Connection:
    """Make the connection that a pack's code sees; raises Invalid or CredentialMissing."""
    spec = pack.connection or ConnectionSpec(required=False)
    settings = checked(
        config.config, spec.config, what=f"The connection '{config.name}'", hint=f"Correct its config in tocsin.yaml (pack {pack.id})."
    )
    unknown = sorted(set(config.secrets) - set(spec.secrets))
    if unknown:
        known = ", ".join(spec.secrets) or "none"
        raise Invalid(f"The connection '{config.name}' has an unknown credential '{unknown[0]}'.", hint=f"Known credentials: {known}.")
    for name, secret in spec.secrets.items():
        if secret.required and name not in config.secrets:
            raise CredentialMissing(
                f"The connection '{config.name}' has no credential '{name}' ({secret.title}).",
                hint="Add it under 'secrets' of that connection, as {env: NAME} or {file: PATH}.",
            )
    secrets = {
        name: read_secret(ref, what=f"The credential '{name}' of the connection '{config.name}'", environ=environ)
        for name, ref in config.secrets.items()
    }
    return Connection(name=config.name, pack=pack.id, config=settings, secrets=secrets)
