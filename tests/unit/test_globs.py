import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.globs import host_of, matches, server_matches, server_of


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("@eve:b.test", "@eve:b.test", True),
        ("@eve:b.test", "@Eve:b.test", False),
        ("@spam*:b.test", "@spam-17:b.test", True),
        ("@spam?:b.test", "@spam:b.test", False),
        ("*", "", True),
        ("**", "anything", True),
        ("?", "", False),
        ("*b*b*", "abab", True),
        ("[a]", "a", False),  # no character classes in Matrix
        ("a*", "ba", False),
    ],
)
def test_a_glob_fits_as_the_specification_says(pattern: str, value: str, fits: bool) -> None:
    assert matches(pattern, value) is fits


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=12))
def test_globs_agree_with_the_plain_translation_into_a_regular_expression(pattern: str, value: str) -> None:
    plain = re.fullmatch("".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern), value)
    assert matches(pattern, value) is bool(plain)
    assert fnmatch.fnmatchcase(value, pattern) is bool(plain)


def test_a_hostile_pattern_takes_bounded_steps() -> None:
    assert not matches("*a" * 60 + "b", "a" * 2_000)


@pytest.mark.parametrize(
    ("pattern", "server", "fits"),
    [
        ("evil.test", "evil.test:8448", True),
        ("EVIL.test", "evil.TEST", True),
        ("*.evil.test", "a.evil.test", True),
        ("*.evil.test", "evil.test", False),
        ("evil.test:8448", "evil.test:8449", True),
        ("good.test", "evil.test", False),
    ],
)
def test_ports_and_letter_case_of_servers_do_not_matter(pattern: str, server: str, fits: bool) -> None:
    assert server_matches(pattern, server) is fits


def test_the_server_part_may_hold_colons() -> None:
    assert server_of("@ann:[::1]:8448") == "[::1]:8448"
    assert host_of("[::1]:8448") == "[::1]"
