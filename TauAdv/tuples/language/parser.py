"""From the text of a selection to its tree, with errors that point at the token."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput, UnexpectedToken

from TauAdv.errors import InputError, nearest, shortened
from TauAdv.tuples.language.characters import describe_character, foreign_characters, pointer, strange_character
from TauAdv.tuples.language.functions import FUNCTIONS
from TauAdv.tuples.language.literals import float_literal, integer_literal
from TauAdv.tuples.language.tree import (
    Binary,
    Call,
    Cast,
    Conditional,
    Index,
    Literal,
    Logical,
    Name,
    Node,
    Size,
    Unary,
)
from TauAdv.tuples.language.types import type_named

__all__ = ["parse"]

#: Far above the longest selections (event lists of some ten thousand terms).
_MOST_CHARACTERS = 2_000_000
_OPERATORS = {"not": "!", "compl": "~", "bitand": "&", "bitor": "|", "xor": "^", "not_eq": "!="}


class _ParsingError(Exception):
    """What is wrong, and where."""

    def __init__(self, problem: str, position: int) -> None:
        self.problem, self.position = problem, position


def parse(text: str) -> Node:
    """Return the tree of a selection.

    Raises:
        InputError: if it is not an expression or calls an unknown function; shows where.
    """
    if not text.strip():
        msg = "selection is empty; leave it out to keep all entries"
        raise InputError(msg)
    if len(text) > _MOST_CHARACTERS:
        msg = f"selection of {len(text)} characters: expected at most {_MOST_CHARACTERS}"
        raise InputError(msg)
    try:
        return _parsed(text)
    except _ParsingError as error:
        msg = f"selection: {error.problem}\n{pointer(text, error.position)}"
        raise InputError(msg) from None


def _parsed(text: str) -> Node:
    strange = strange_character(text)
    if strange is not None:
        problem = f"character {strange + 1} is {describe_character(text[strange])}"
        raise _ParsingError(problem, strange)
    try:
        return _grammar().parse(text)  # type: ignore[return-value]  # the nodes of _TreeBuilder
    except UnexpectedInput as error:
        raise _explained(error, text) from None


@cache
def _grammar() -> Lark:
    # nodes are made while parsing, from a stack: a tree of tokens would have to be walked by recursion afterwards
    place = "TauAdv.tuples.language"
    return Lark.open_from_package(place, "selection.lark", parser="lalr", transformer=_TreeBuilder())


#: What is written in other languages and in TTree::Draw: how it begins where a text is not understood, and what to do.
_HINTS = (
    (r"=>", "'=>' is no comparison; write '>='"),
    (r"=<", "'=<' is no comparison; write '<='"),
    (r"=", "'=' assigns; compare with '=='"),
    (r"(?<=\*)\*", "'**' is no power in C++; write pow(x, y)"),
    (r"(?<=/)[/*]", "comments are not supported in a selection"),
    (r"(?<=<=)>", "'<=>' is not supported in a selection"),
    (r"""["']""", "text is not supported in a selection, only numbers"),
    (r"\[", "an index is supported once, right after the name of a branch, as in pfCand_pt[0]"),
    (r"@", "'@' of TTree::Draw is not supported; the length of a list is x.size()"),
    (r";", "';' is not supported; a selection is one expression"),
    (r"[{}]", "braces are not supported in a selection"),
)


def _explained(error: UnexpectedInput, text: str) -> _ParsingError:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return _ParsingError("ends where a value or ')' is expected", len(text))
    position = error.pos_in_stream or 0
    found = re.compile(r"[\w.]+\$?|\W").match(text, position)
    word = shortened(found[0] if found else "", 40)
    foreign = foreign_characters(found[0][:40] if found else "", position)
    if text.startswith("$", position):
        before = re.findall(r"\w*$", text[max(position - 40, 0) : position])[0]
        return _ParsingError(f"{before}$ of TTree::Draw is not supported in a selection", position - len(before))
    for pattern, hint in _HINTS:
        if re.compile(pattern).match(text, position):
            return _ParsingError(hint, position)
    if isinstance(error, UnexpectedToken):
        return _ParsingError(f"'{word}' is not expected here{foreign}", position)
    number = ": it is no number as 10, 0x10, 10u, 10L, 1.5, 1e3 or 1.5f" if word[0] in "0123456789." else foreign
    return _ParsingError(f"'{word}' is not understood here{number}", position)


def _operator(token: Token) -> str:
    return _OPERATORS.get(str(token), str(token))


def _at(token: Token) -> int:
    return token.start_pos or 0


def _pointing(token: Token, function: Callable[[str], Any], text: str) -> Any:
    try:
        return function(text)
    except InputError as error:
        raise _ParsingError(str(error), _at(token)) from None


class _TreeBuilder(Transformer):
    """Turns what the grammar finds into nodes."""

    def float_literal(self, children: list[Token]) -> Literal:
        return Literal(_pointing(children[0], float_literal, str(children[0])))

    def integer_literal(self, children: list[Token]) -> Literal:
        return Literal(_pointing(children[0], integer_literal, str(children[0])))

    def boolean_literal(self, children: list[Token]) -> Literal:
        return Literal(np.bool_(children[0] == "true"))

    def name(self, children: list[Token]) -> Name:
        token = children[0]
        if str(token) in FUNCTIONS:
            raise _ParsingError(f"{token} is a function: '(' expected after it", _at(token))
        return Name(str(token), _at(token))

    def index(self, children: list[Any]) -> Index:
        return Index(self.name(children[:1]), children[1], _at(children[0]))

    def size(self, children: list[Token]) -> Size:
        token = children[0]
        return Size(Name(token.removesuffix(".size"), _at(token)), True, _at(token))

    def length(self, children: list[Token]) -> Size:
        return Size(self.name(children[1:]), False, _at(children[0]))

    def bracketed(self, children: list[Node]) -> Node:
        node = children[0]
        return replace(node, bracketed=True) if isinstance(node, Binary | Unary) else node

    def unary(self, children: list[Any]) -> Unary:
        return Unary(_operator(children[0]), children[1], _at(children[0]))

    def cast(self, children: list[Any]) -> Cast:
        token, operand = children
        name = " ".join(re.sub(r"static_cast\s*<|>", " ", token).split())
        _pointing(token, type_named, name)
        return Cast(name, operand, _at(token))

    def binary(self, children: list[Any]) -> Binary:
        return Binary(_operator(children[1]), children[0], children[2], _at(children[1]))

    def logical_and(self, children: list[Any]) -> Logical:
        return Logical("&&", *children)

    def logical_or(self, children: list[Any]) -> Logical:
        return Logical("||", *children)

    def conditional(self, children: list[Any]) -> Conditional:
        return Conditional(*children)

    def call(self, children: list[Any]) -> Call:
        token, *arguments = children
        arguments = [argument for argument in arguments if argument is not None]
        function = FUNCTIONS.get(str(token))
        if function is None:
            raise _ParsingError(_unknown_function(str(token), _at(token)), _at(token))
        if len(arguments) != function.arguments:
            raise _ParsingError(f"{token} takes {function.arguments} arguments, received {len(arguments)}", _at(token))
        return Call(str(token), tuple(arguments), _at(token))


def _unknown_function(name: str, position: int) -> str:
    known = [other for other in FUNCTIONS if "::" not in other]
    hint = foreign_characters(name[:40], position) or nearest(name[:40], list(FUNCTIONS))
    hint = hint or f"; known: {', '.join(known)} (also with std::), casts as int(x), and those of TMath as TMath::Abs"
    return f"unknown function {shortened(name, 40)}{hint}"
