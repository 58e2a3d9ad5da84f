"""Quoted text: no live address, no character that hides or reorders others."""

from hypothesis import given
from hypothesis import strategies as st

from tocsin.core.observables import ObservableType, observe
from tocsin.services.inert import inert, shown


def test_addresses_are_defanged():
    assert inert("see https://evil.example/a.b and 192.0.2.7, mail x@evil.example") == (
        "see hxxps://evil[.]example/a.b and 192[.]0[.]2[.]7, mail x[@]evil[.]example"
    )


def test_known_domains_are_defanged_and_version_numbers_are_not():
    known = [observe(ObservableType.DOMAIN, "evil.example")]
    assert inert("evil.example runs 1.2.3 and file.txt", known=known) == "evil[.]example runs 1.2.3 and file.txt"


def test_characters_that_hide_or_reorder_are_named():
    assert shown("a\u202eb\x1b[31m\x00") == "a⟨U+202E⟩b⟨U+001B⟩[31m⟨U+0000⟩"
    assert shown("zwei\nZeilen") == "zwei\nZeilen"


@given(st.text())
def test_nothing_unprintable_and_no_live_url_gets_through(text):
    found = inert(text)
    assert all(one == "\n" or one.isprintable() or one.isspace() for one in found)
    assert "http://" not in inert(f"{text}http://a.b/c")
