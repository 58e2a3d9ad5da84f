"""Release playbooks into a data folder over which no server runs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tocsin.cli.options import read_settings
from tocsin.core.errors import Unavailable
from tocsin.core.values import JsonObject

if TYPE_CHECKING:
    from tocsin.core.access import Principal
    from tocsin.settings import Settings
    from tocsin.store.opening import Store


class Release(Protocol):
    """Where playbooks are released: a server, or the store of a data folder."""

    def __call__(self, body: JsonObject) -> JsonObject:
        """Do what `POST /playbooks/release` says."""
        ...


def release_into(config: Path | None, data: str | None) -> Release:
    """Return what releases into the data folder of the settings; raises Unavailable when there is none."""
    from tocsin.store.opening import DATABASE, open_store

    settings = read_settings(config, data=data)
    if not (Path(settings.data) / DATABASE).is_file():
        raise Unavailable(
            f"No server runs over the data folder '{settings.data}', and there is no database in it.",
            hint="Give --url, or --data; `tocsin up` makes a new one.",
        )

    def release(body: JsonObject) -> JsonObject:
        with open_store(Path(settings.data)) as store:
            return _release(store, settings, body)

    return release


def _release(store: "Store", settings: "Settings", body: JsonObject) -> JsonObject:
    from tocsin.api.schemas.versions import ReleaseIn, ReleaseOut
    from tocsin.connectors.catalogue import PackCatalogue
    from tocsin.connectors.loader import BUILTIN, load_packs
    from tocsin.core.playbooks import Manuscript
    from tocsin.services.plans import PlanShelf
    from tocsin.services.versions.proof import Prover
    from tocsin.services.versions.rehearsing import rehearser
    from tocsin.services.versions.release import look_up, plan_release, release
    from tocsin.services.versions.saving import Origin

    given, actor = ReleaseIn.model_validate(body), local_operator()
    packs = load_packs([BUILTIN, *map(Path, settings.packs)])
    catalogue = PackCatalogue(packs)
    prover = Prover(catalogue, version=PlanShelf(store.units, catalogue).by_digest, rehearse=rehearser(packs))
    texts = [Manuscript(one.id, one.text, one.rehearsal, one.file) for one in given.playbooks]
    shelved = store.units.read_now(lambda tx: look_up(tx, actor, ids=[one.id for one in texts]))
    planned = plan_release(prover, shelved, manuscripts=texts, source=given.source)
    if not given.dry_run and not planned.is_red:
        now, origin = datetime.now(UTC), Origin(given.message, given.source)
        done = store.units.write_now(
            lambda tx: release(tx, actor, planned=planned, origin=origin, prune=given.prune, review=settings.playbook_review, now=now)
        )
        return ReleaseOut.of(done, is_done=True).model_dump(mode="json")
    return ReleaseOut.of(planned, is_done=False).model_dump(mode="json")


def local_operator() -> "Principal":
    """Return who works on a data folder itself: whoever may write it may do everything in it."""
    import getpass

    from tocsin.core.access import Principal, Role
    from tocsin.core.ids import UserId

    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, in a container
        name = "operator"
    return Principal(UserId(f"usr_local_{name}"), f"{name} (local)", "", frozenset({Role.ADMIN}))
