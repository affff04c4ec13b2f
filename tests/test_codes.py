"""Codes: worked vectors, a property that one wrong character never passes, editions of the industry code."""

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given

from layers.codes import CREDIT_ALPHABET, credit_check_digit, credit_faults, industry_editions, plain_codes

VALID = ["91350100M000100Y43", "91330109MA28XDDW8D", "91330109MA2CCT4X1A", "91110108718704736N"]


def test_published_codes_hold():
    assert credit_faults(pd.Series(VALID)).tolist() == [""] * len(VALID)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("91350100M000100Y4Z", "alphabet"),
        ("91350100M000100Y44", "check-digit"),
        ("91330109MA28XDDW8", "length"),
        ("91330109MA28XDDW8DD", "length"),
        ("9133010OMA28XDDW8D", "alphabet"),
        (" ９1330109ma28xddw8d ", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_fault_of_one_code(code, fault):
    assert credit_faults(pd.Series([code], dtype="object")).tolist() == [fault]


def test_the_remainder_zero_closes_with_zero():
    # Without the outer modulo, Σ mod 31 = 0 asks for a 32nd symbol.
    zero = next(first for first in (f"9{'0' * 15}{sign}" for sign in CREDIT_ALPHABET) if _sum(first) == 0)
    assert credit_check_digit(zero) == "0"


def _sum(first17: str) -> int:
    return sum(CREDIT_ALPHABET.index(sign) * 3**place for place, sign in enumerate(first17)) % 31


@given(
    first17=st.text(CREDIT_ALPHABET, min_size=17, max_size=17),
    place=st.integers(0, 16),
    shift=st.integers(1, 30),
)
def test_one_wrong_character_never_passes(first17, place, shift):
    digit = credit_check_digit(first17)
    # An independent formula: the weighted sum with weight 30 = −1 … closes to 0 modulo 31.
    assert (_sum(first17) + CREDIT_ALPHABET.index(digit)) % 31 == 0
    wrong = CREDIT_ALPHABET[(CREDIT_ALPHABET.index(first17[place]) + shift) % 31]
    code = first17[:place] + wrong + first17[place + 1 :] + digit
    assert credit_faults(pd.Series([code])).tolist() == ["check-digit"]


def test_check_digit_refuses_what_is_no_code():
    with pytest.raises(ValueError, match="17 characters"):
        credit_check_digit("123")


@pytest.mark.parametrize(
    ("code", "editions"),
    [
        ("13", ("2002", "2011", "2017")),
        ("C", ("2002", "2011", "2017")),
        ("c3612", ("2002", "2011", "2017")),
        ("38", ("2011", "2017")),
        ("3981", ("2017",)),
        ("4071", ("2002",)),
        ("2930", ("2002",)),
        ("3150", ("2002", "2011")),
        ("98", ("2002",)),
        ("99", ()),
        ("00", ()),
        ("steel", ()),
        ("", ()),
        ("12345", ()),
    ],
)
def test_editions(code, editions):
    assert industry_editions(code) == editions


def test_plain_codes_keep_missing_missing():
    assert plain_codes(pd.Series([" a１ ", None, "", 9133])).tolist() == ["A1", None, None, "9133"]
