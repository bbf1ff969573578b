"""The small expression language of feature tables: parsed once, evaluated on numpy arrays.

Expressions look like Python: names, numbers, ``+ - * /``, comparisons, ``and or not`` and the functions of
:data:`FUNCTIONS`. Arithmetic runs in the precision asked for (float32 for feature values, float64 for geometry), each step
rounded; comparisons are exact (made in float64). Nothing is ever handed to Python's own evaluation.
"""

from __future__ import annotations

import math
import re
from functools import cache, lru_cache
from keyword import iskeyword
from typing import Any

import numpy as np
from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, UnexpectedToken

from TauAdv.errors import ConfigError, nearest, shortened
from TauAdv.features.expression_tree import Expression
from TauAdv.features.functions import FUNCTIONS, Array, delta_phi
from TauAdv.tuples.language.characters import describe_character, foreign_characters, strange_character

__all__ = ["FUNCTIONS", "Array", "Expression", "delta_phi", "parse"]

#: Far above the longest expressions of feature tables.
_MOST_CHARACTERS = 1_000_000
_LANGUAGE = "not part of the language (names, numbers, + - * /, one comparison, and, or, not, functions)"


class _ParsingError(Exception):
    """What is wrong with which part of the text, and where that begins."""

    def __init__(self, part: str, position: int, problem: str) -> None:
        self.part, self.position, self.problem = part, position, problem


@lru_cache(maxsize=2048)
def parse(text: str) -> Expression:
    """Return the parsed expression.

    Raises:
        ConfigError: if the text is not an expression of the language; the message points at the place.
    """
    if len(text) > _MOST_CHARACTERS:
        msg = f"expression of {len(text)} characters: expected at most {_MOST_CHARACTERS}"
        raise ConfigError(msg)
    try:
        return _parsed(text)
    except _ParsingError as error:
        place = f"{error.part} at column {error.position + 1}: " if error.part else ""
        msg = f"expression '{shortened(text)}': {place}{error.problem}"
        raise ConfigError(msg) from None


def _parsed(text: str) -> Expression:
    strange = strange_character(text)
    if strange is not None:
        raise _ParsingError("the character", strange, describe_character(text[strange]))
    try:
        return _grammar().parse(text)  # type: ignore[return-value]  # what _TreeBuilder makes
    except UnexpectedInput as error:
        raise _explained(error, text) from None


@cache
def _grammar() -> Lark:
    # nodes are made while parsing, from a stack: there is no limit to the depth
    return Lark.open_from_package("TauAdv.features", "expressions.lark", parser="lalr", transformer=_TreeBuilder())


def _explained(error: UnexpectedInput, text: str) -> _ParsingError:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return _ParsingError("", 0, f"ends at column {len(text) + 1}, where a value or ')' is expected")
    position = error.pos_in_stream or 0
    found = re.compile(r"[\w.]+|[^\w\s]+").match(text, position)
    word = shortened(found[0] if found else text[position], 40)
    expected = _LANGUAGE if not isinstance(error, UnexpectedToken) else "not expected here"
    return _ParsingError(f"'{word}'", position, expected + foreign_characters(word, position))


class _TreeBuilder(Transformer):
    """Turns what the grammar finds into nodes."""

    def float_number(self, children: list[Token]) -> Expression:
        value = float(children[0])
        if math.isinf(value):
            raise _refused(children[0], "too large for a number")
        return Expression("number", value)

    def integer_number(self, children: list[Token]) -> Expression:
        # Python limits the digits that it reads
        if len(children[0]) > 19 or int(children[0]) > np.iinfo(np.int64).max:
            raise _refused(children[0], "too large for an integer; write it with a point, as in 1e30")
        return Expression("number", int(children[0]))

    def name(self, children: list[Token]) -> Expression:
        if iskeyword(children[0]):
            raise _refused(children[0], _LANGUAGE)
        return Expression("name", str(children[0]))

    def negative(self, children: list[Any]) -> Expression:
        operand = children[1]
        if operand.kind == "number" and math.copysign(1, operand.content) > 0:
            return Expression("number", -operand.content)
        return Expression("arithmetic", "-", (operand,))

    def arithmetic(self, children: list[Any]) -> Expression:
        return Expression("arithmetic", str(children[1]), (children[0], children[2]))

    def compared(self, children: list[Any]) -> Expression:
        left, operator, right, *more = children
        if more:
            raise _refused(more[0], f"{_LANGUAGE}; for a range write '0 < x and x < 1'")
        return Expression("comparison", str(operator), (left, right))

    def logical(self, children: list[Any]) -> Expression:
        return Expression("logical", str(children[1]), (children[0], children[2]))

    def logical_not(self, children: list[Any]) -> Expression:
        return Expression("logical", "not", (children[1],))

    def function(self, children: list[Any]) -> Expression:
        token, *arguments = children
        arguments = [argument for argument in arguments if argument is not None]
        if token not in FUNCTIONS:
            hint = foreign_characters(token[:40], token.start_pos or 0) or nearest(token[:40], list(FUNCTIONS))
            raise _refused(token, f"unknown function '{shortened(token, 40)}'{hint}; known: {', '.join(FUNCTIONS)}")
        if len(arguments) != FUNCTIONS[token].arguments:
            raise _refused(token, f"{token} takes {FUNCTIONS[token].arguments} arguments, received {len(arguments)}")
        return Expression("function", str(token), tuple(arguments))


def _refused(token: Token, problem: str) -> _ParsingError:
    return _ParsingError(f"'{shortened(token, 40)}'", token.start_pos or 0, problem)
