"""Every case of every shipped pack."""

import pytest

from tocsin.connectors.loader import BUILTIN, load_packs
from tocsin.testing.packs import PackCase, pack_cases, run_case


@pytest.mark.parametrize("case", pack_cases(load_packs([BUILTIN])), ids=str)
async def test_case_gives_what_it_expects(case: PackCase) -> None:
    assert await run_case(case) == []
