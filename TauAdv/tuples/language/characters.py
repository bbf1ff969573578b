"""Characters that look like others, or like nothing: found in what a user typed or pasted, and named."""

from __future__ import annotations

import unicodedata

__all__ = ["describe_character", "foreign_characters", "pointer", "strange_character"]

#: Characters shown before and behind a position.
_WINDOW = 60
_WHITESPACE = "\t\n\r\f"
_ADVICE = {
    **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d", "write a plain minus sign '-'"),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2032\u2033", "it has no place here"),
    "\u2264": "write '<='",
    "\u2265": "write '>='",
    "\u2260": "write '!='",
    "\u2227": "write '&&'",
    "\u2228": "write '||'",
    "\u00ac": "write '!'",
    **dict.fromkeys("\u00d7\u22c5\u00b7\u2217", "write '*'"),
    **dict.fromkeys("\u00f7\u2215\u2044", "write '/'"),
}


def strange_character(text: str) -> int | None:
    """Return the position of the first character that no expression holds, ``None`` if there is none.

    These are control characters, blanks other than space, tab and line end, invisible characters, halves of characters
    (surrogates), and typographic forms of plain ones. Letters of any alphabet may be in the name of a branch.
    """
    if text.isascii() and text.isprintable():
        return None
    return next((position for position, character in enumerate(text) if _is_strange(character)), None)


def _is_strange(character: str) -> bool:
    if character.isascii():
        return not (character.isprintable() or character in _WHITESPACE)
    return not character.isalpha() or unicodedata.normalize("NFKC", character) != character


def describe_character(character: str) -> str:
    """Return name, code point and advice, as in ``NO-BREAK SPACE (U+00A0); write a plain space``."""
    code = f"U+{ord(character):04X}"
    name = (
        "NUL" if character == "\0" else unicodedata.name(character, _KINDS.get(unicodedata.category(character), "character"))
    )
    return f"{name} ({code}); {_advice(character)}"


_KINDS = {"Cc": "control character", "Cs": "half of a character (the text is not valid Unicode)", "Co": "private character"}


def _advice(character: str) -> str:
    if character in _ADVICE:
        return _ADVICE[character]
    category = unicodedata.category(character)
    plain = unicodedata.normalize("NFKC", character)
    if category in ("Zs", "Zl", "Zp"):
        return "write a plain space"
    if category in ("Cf", "Cc", "Cs", "Mn"):
        return "it is invisible: delete it" if category != "Mn" else "delete it"
    if len(plain) == 1 and plain.isascii() and plain.isprintable():
        return f"write a plain '{plain}'"
    return "write plain ASCII characters"


def foreign_characters(word: str, position: int = 0) -> str:
    """Return a sentence part that names the first character of ``word`` that is not ASCII; empty if there is none.

    Args:
        word: a name or another part of a text.
        position: of its first character in the text, from 0.
    """
    for number, character in enumerate(word, position + 1):
        if not character.isascii():
            code = f"U+{ord(character):04X}"
            return f"; its character at position {number} is {unicodedata.name(character, 'a character')} ({code})"
    return ""


def pointer(text: str, position: int) -> str:
    """Return the part of ``text`` around a position, and below it a caret that points there."""
    start, end = max(position - _WINDOW, 0), position + _WINDOW
    before = ("..." if start else "") + text[start:position]
    after = text[position:end] + ("..." if end < len(text) else "")
    line = "".join(character if character.isprintable() else " " for character in before + after)
    return f"  {line}\n  {' ' * len(before)}^"
