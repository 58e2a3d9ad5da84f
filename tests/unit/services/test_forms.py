"""Forms of asks: what is typed becomes what the fields say, or a clear refusal."""

import pytest

from tocsin.core.errors import Invalid
from tocsin.services.forms import checked_form, read_form

FORM = {
    "note": {"type": "string"},
    "hours": {"type": "integer", "default": 24},
    "ratio": {"type": "number", "required": False},
    "sure": {"type": "boolean", "default": False},
}


def test_defaults_fill_in_and_optional_fields_stay_out():
    assert checked_form(FORM, {"note": "n"}) == {"note": "n", "hours": 24, "sure": False}


def test_every_problem_is_named_at_once():
    with pytest.raises(Invalid) as caught:
        checked_form(FORM, {"hours": "x", "extra": 1})
    assert all(name in str(caught.value) for name in ("note", "hours", "extra"))


@pytest.mark.parametrize("value", [True, 1.5, "7", [7]])
def test_integer_is_nothing_else(value):
    with pytest.raises(Invalid, match="hours"):
        checked_form(FORM, {"note": "n", "hours": value})


def test_what_a_browser_sends_gets_the_fields_types():
    typed = {"note": "n", "hours": "8", "ratio": "0.5"}
    assert checked_form(FORM, read_form(FORM, typed)) == {"note": "n", "hours": 8, "ratio": 0.5, "sure": False}
    assert checked_form(FORM, read_form(FORM, {**typed, "sure": "true", "ratio": ""}))["sure"] is True


@pytest.mark.parametrize("text", ["x", "1e999", "nan", "9" * 5_000])
def test_number_that_is_none_is_refused(text):
    form = {"ratio": {"type": "number"}}
    with pytest.raises(Invalid):
        checked_form(form, read_form(form, {"ratio": text}))
