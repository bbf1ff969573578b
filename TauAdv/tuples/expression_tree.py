"""Selection strings as trees: parsing with errors that point at the token, and printing back."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

from TauAdv.errors import InputError, nearest
from TauAdv.tuples.cpp import FUNCTIONS

__all__ = ["Binary", "Call", "Conditional", "Literal", "Logical", "Name", "Node", "Unary", "parse", "pointer"]

_WINDOW = 60


@dataclass(frozen=True)
class Literal:
    """A number or truth value, of its C++ type."""

    value: np.generic

    def __str__(self) -> str:
        if isinstance(self.value, np.bool_):
            return "true" if self.value else "false"
        if isinstance(self.value, np.floating):
            return f"{self.value!s}f" if isinstance(self.value, np.float32) else str(self.value)
        suffix = ("u" if self.value.dtype.kind == "u" else "") + ("l" if self.value.dtype.itemsize == 8 else "")
        return f"{int(self.value)}{suffix}"


@dataclass(frozen=True)
class Name:
    """A branch."""

    name: str
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Unary:
    """``+``, ``-``, ``!`` or ``~`` before a value."""

    operator: str
    operand: Node
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.operator}({self.operand})"


@dataclass(frozen=True)
class Binary:
    """Two values and the operator between them."""

    operator: str
    left: Node
    right: Node
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"({self.left} {self.operator} {self.right})"


@dataclass(frozen=True)
class Logical:
    """``&&`` or ``||``: the second value counts only where the first leaves it open."""

    operator: str
    left: Node
    right: Node

    def __str__(self) -> str:
        return f"({self.left} {self.operator} {self.right})"


@dataclass(frozen=True)
class Conditional:
    """``condition ? then : otherwise``."""

    condition: Node
    then: Node
    otherwise: Node

    def __str__(self) -> str:
        return f"({self.condition} ? {self.then} : {self.otherwise})"


@dataclass(frozen=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple[Node, ...]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"


Node: TypeAlias = Literal | Name | Unary | Binary | Logical | Conditional | Call


def pointer(text: str, position: int) -> str:
    """Return the part of ``text`` around a position, and below it a caret that points there."""
    start, end = max(position - _WINDOW, 0), position + _WINDOW
    before = ("..." if start else "") + text[start:position]
    after = text[position:end] + ("..." if end < len(text) else "")
    line = "".join(character if character.isprintable() else " " for character in before + after)
    return f"  {line}\n  {' ' * len(before)}^"


def parse(text: str) -> Node:
    """Return the tree of a selection.

    Raises:
        InputError: if it is not an expression or calls an unknown function; shows where.
    """
    if not text.strip():
        msg = "selection is empty; leave it out to keep all entries"
        raise InputError(msg)
    try:
        return _TreeBuilder(text).transform(_grammar().parse(text))
    except UnexpectedInput as error:
        position, problem = _explain(error, text)
    except VisitError as error:
        if isinstance(error.orig_exc, InputError):
            raise error.orig_exc from error
        raise
    msg = f"selection: {problem}\n{pointer(text, position)}"
    raise InputError(msg)


@cache
def _grammar() -> Lark:
    return Lark.open_from_package("TauAdv.tuples", "selection.lark", parser="lalr")


def _explain(error: UnexpectedInput, text: str) -> tuple[int, str]:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(text), "ends where a value or ')' is expected"
    position = error.pos_in_stream or 0
    if isinstance(error, UnexpectedCharacters):
        if text[position] == "=":
            return position, "'=' assigns; compare with '=='"
        word = text[position:].split()[0]
        return position, f"'{word if word[0].isalnum() else word[0]}' is not understood here"
    token = str(getattr(error, "token", text[position]))
    return position, f"'{token}' is not expected here"


class _TreeBuilder(Transformer):
    """Turns what the grammar found into nodes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def _fail(self, problem: str, token: Token) -> InputError:
        return InputError(f"selection: {problem}\n{pointer(self._text, token.start_pos or 0)}")

    def float_literal(self, children: list[Token]) -> Literal:
        text = children[0].lower()
        return Literal(np.float32(text[:-1]) if text.endswith("f") else np.float64(text))

    def integer_literal(self, children: list[Token]) -> Literal:
        digits = children[0].lower().rstrip("ul")
        suffix = children[0].lower()[len(digits) :]
        octal = len(digits) > 1 and digits.isdigit() and digits[0] == "0"
        try:
            value = int(digits, 8) if octal else int(digits, 0)
        except ValueError:
            raise self._fail(f"'{digits}' starts with 0 and so is octal, but has digits above 7", children[0]) from None
        for kind in (np.int32, np.uint32, np.int64, np.uint64):
            unsigned, is_long = kind in (np.uint32, np.uint64), kind in (np.int64, np.uint64)
            decimal = not octal and digits.isdigit()
            allowed = (unsigned or "u" not in suffix) and (is_long or "l" not in suffix)
            if allowed and not (unsigned and decimal and "u" not in suffix) and value <= np.iinfo(kind).max:
                return Literal(kind(value))
        raise self._fail(f"{digits} is too large for an integer", children[0])

    def boolean_literal(self, children: list[Token]) -> Literal:
        return Literal(np.bool_(children[0] == "true"))

    def name(self, children: list[Token]) -> Name:
        token = children[0]
        if str(token) in FUNCTIONS:
            raise self._fail(f"{token} is a function: '(' expected after it", token)
        return Name(str(token), token.start_pos or 0)

    def unary(self, children: list[Any]) -> Unary:
        operator = "!" if children[0] == "not" else str(children[0])
        return Unary(operator, children[1], children[0].start_pos or 0)

    def binary(self, children: list[Any]) -> Binary:
        return Binary(str(children[1]), children[0], children[2], children[1].start_pos or 0)

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
            hint = nearest(str(token), list(FUNCTIONS)) or f"; known: {', '.join(n for n in FUNCTIONS if '::' not in n)}"
            raise self._fail(f"unknown function {token}{hint}", token)
        if len(arguments) != function.arguments:
            raise self._fail(f"{token} takes {function.arguments} arguments, received {len(arguments)}", token)
        return Call(str(token), tuple(arguments))
