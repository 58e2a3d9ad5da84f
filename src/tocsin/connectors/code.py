"""Load a pack's code.py, on first use and never before."""

import importlib
import importlib.util
import sys
from collections.abc import Awaitable, Callable
from types import ModuleType

from tocsin.connectors.manifest import Pack
from tocsin.connectors.sdk import Context, JsonObject, Probe, SourceContext
from tocsin.core.errors import Invalid

ActionCode = Callable[[Context, JsonObject], Awaitable[JsonObject]]
ProbeCode = Callable[[Context, JsonObject], Awaitable[Probe]]
SourceCode = Callable[[SourceContext], Awaitable[None]]


def action_code(pack: Pack, name: str) -> ActionCode:
    """Return an action's function; raises Invalid."""
    found: ActionCode = _function(pack, name)
    return found


def probe_code(pack: Pack, name: str) -> ProbeCode:
    """Return a probe's function; raises Invalid."""
    found: ProbeCode = _function(pack, name)
    return found


def source_code(pack: Pack, name: str) -> SourceCode:
    """Return a source's function; raises Invalid."""
    found: SourceCode = _function(pack, name)
    return found


def _function(pack: Pack, name: str):  # type: ignore[no-untyped-def]  # what stands in a pack's module is known at run time only
    function = None if name.startswith("_") else getattr(_module(pack), name, None)
    if not callable(function):
        raise Invalid(f"The pack '{pack.id}' has no function '{name}' in code.py.", hint=f"Write `async def {name}(...)` there.")
    return function


def _module(pack: Pack) -> ModuleType:
    name = f"tocsin.packs.{pack.id}.code" if pack.builtin else f"tocsin_pack_{pack.id}"
    if name in sys.modules:
        return sys.modules[name]
    path = pack.folder / "code.py"
    if not path.is_file():
        raise Invalid(f"The pack '{pack.id}' has no code.py.", hint=f"Put it into {pack.folder}.")
    try:
        return importlib.import_module(name) if pack.builtin else _from_file(name, str(path))
    except (ImportError, SyntaxError) as error:
        raise Invalid(f"The code of the pack '{pack.id}' cannot be loaded: {error}.", hint=f"Correct {path}.") from error


def _from_file(name: str, path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
