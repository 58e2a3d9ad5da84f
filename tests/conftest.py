"""What every test shares: Hypothesis profiles, and a guard that keeps the tests on this machine."""

import ipaddress
import os
import sys

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples every time: a red build is then about the change.
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("fuzz", settings.get_profile("default"), max_examples=5_000, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def _stay_on_this_machine(event: str, arguments: tuple[object, ...]) -> None:
    address = arguments[1] if event in {"socket.connect", "socket.sendto"} and len(arguments) > 1 else None
    if isinstance(address, tuple) and address and isinstance(address[0], str) and _is_public(address[0]):
        raise PermissionError(f"a test reached for {address[0]}: tests stay on this machine; start what they need on loopback")


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return False


sys.addaudithook(_stay_on_this_machine)


def pytest_report_header() -> str:
    """Say what decides which tests can run."""
    return f"root: {'yes' if os.geteuid() == 0 else 'no, tests that make network namespaces skip'}"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the caller's TOCSIN_… variables and proxies away, so that tests mean the same everywhere."""
    for name in list(os.environ):
        if name.startswith("TOCSIN_") or name.lower() in {"http_proxy", "https_proxy", "all_proxy"}:
            monkeypatch.delenv(name)
