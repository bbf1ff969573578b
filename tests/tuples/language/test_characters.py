import pytest

from TauAdv.errors import InputError, shortened
from TauAdv.tuples.selection import parse_selection


@pytest.mark.parametrize(
    ("character", "name", "advice"),
    [
        ("\u00a0", "NO-BREAK SPACE (U+00A0)", "write a plain space"),
        ("\u2009", "THIN SPACE (U+2009)", "write a plain space"),
        ("\u3000", "IDEOGRAPHIC SPACE (U+3000)", "write a plain space"),
        ("\u2028", "LINE SEPARATOR (U+2028)", "write a plain space"),
        ("\u200b", "ZERO WIDTH SPACE (U+200B)", "delete it"),
        ("\u200d", "ZERO WIDTH JOINER (U+200D)", "delete it"),
        ("\ufeff", "ZERO WIDTH NO-BREAK SPACE (U+FEFF)", "delete it"),
        ("\u00ad", "SOFT HYPHEN (U+00AD)", "delete it"),
        ("\u202e", "RIGHT-TO-LEFT OVERRIDE (U+202E)", "delete it"),
        ("\u0301", "COMBINING ACUTE ACCENT (U+0301)", "delete it"),
        ("\u2212", "MINUS SIGN (U+2212)", "'-'"),
        ("\u2013", "EN DASH (U+2013)", "'-'"),
        ("\u201c", "LEFT DOUBLE QUOTATION MARK (U+201C)", "no place"),
        ("\u2265", "GREATER-THAN OR EQUAL TO (U+2265)", "'>='"),
        ("\u2260", "NOT EQUAL TO (U+2260)", "'!='"),
        ("\uff1e", "FULLWIDTH GREATER-THAN SIGN (U+FF1E)", "'>'"),
        ("\uff13", "FULLWIDTH DIGIT THREE (U+FF13)", "'3'"),
        ("\u0663", "ARABIC-INDIC DIGIT THREE (U+0663)", "ASCII"),
        ("\u00b2", "SUPERSCRIPT TWO (U+00B2)", "'2'"),
        ("\U0001f600", "GRINNING FACE (U+1F600)", "ASCII"),
        ("\0", "NUL (U+0000)", "delete it"),
        ("\x1b", "control character (U+001B)", "delete it"),
        ("\x7f", "control character (U+007F)", "delete it"),
        ("\udc80", "not valid Unicode) (U+DC80)", "delete it"),
    ],
)
def test_characters_are_named(character, name, advice):
    with pytest.raises(InputError) as error:
        parse_selection(f"tau_pt {character}> 30")
    message = str(error.value)
    assert message.isprintable() or "\n" in message
    first, _, caret = message.splitlines()
    assert first.startswith("selection: character 8 is ")
    assert name in first
    assert advice in first
    assert caret.index("^") == 2 + 7


def test_line_ends_and_tabs_are_blanks():
    assert parse_selection("tau_pt\n>\r\n\t30\f").branches == ["tau_pt"]


def test_letters_of_other_alphabets_may_be_in_names():
    selection = parse_selection("Δφ > 1 && tau_\u0440t > 3")
    assert selection.branches == ["Δφ", "tau_\u0440t"]
    with pytest.raises(InputError, match="its character at position 15 is CYRILLIC SMALL LETTER ER"):
        selection.require(["Δφ", "tau_pt"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [("\u0430bs(tau_pt) > 1", "position 1 is CYRILLIC SMALL LETTER A"), ("x \u0430nd y", "position 3 is CYR")],
)
def test_letters_that_look_like_others_are_named(text, problem):
    with pytest.raises(InputError, match=problem):
        parse_selection(text)


def test_shortened():
    assert shortened("tau_pt") == "tau_pt"
    assert shortened("a\n\0\udc80é") == r"a\n\x00\udc80é"
    assert len(shortened("x" * 1000)) == 60
    assert shortened("abcdefghijklmnopqrst", 12) == "abcde...qrst"
