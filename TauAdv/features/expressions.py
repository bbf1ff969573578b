"""The small expression language of feature tables: parsed once, evaluated on numpy arrays.

Expressions look like Python: names, numbers, ``+ - * /``, comparisons, ``and or not`` and the functions of
:data:`FUNCTIONS`. Arithmetic runs in the precision asked for (float32 for feature values, float64 for geometry), each step
rounded; comparisons are exact (made in float64). Nothing is ever handed to Python's own evaluation.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from TauAdv.errors import ConfigError, nearest

__all__ = ["FUNCTIONS", "Expression", "delta_phi", "parse"]

Array = NDArray[Any]


def delta_phi(first: Array, second: Array) -> Array:
    """Return first - second in radians, wrapped once into (-pi, pi], with pi and each step in the type of the inputs."""
    pi = first.dtype.type(np.pi)
    difference = first - second
    difference = np.where(difference > pi, difference - 2 * pi, difference)
    return np.where(difference <= -pi, difference + 2 * pi, difference)


def _normal(x: Array) -> Array:
    """Finite, not zero and not subnormal."""
    return np.isfinite(x) & (np.abs(x) >= np.finfo(x.dtype).tiny)


def _energy_over_pt(pt: Array, eta: Array, mass: Array) -> Array:
    """Energy over transverse momentum in float64; a negative mass counts as a negative mass squared (as in ROOT)."""
    pt64, eta64, mass64 = (np.asarray(x, np.float64) for x in (pt, eta, mass))
    momentum = pt64 * np.cosh(eta64)
    energy = np.sqrt(momentum * momentum + np.copysign(mass64 * mass64, mass64))
    return energy / pt64


def _quotient(x: Array, divisor: Array) -> Array:
    return (x - np.fmod(x, divisor)) // divisor


def _where(condition: Array, yes: Array, no: Array) -> Array:
    return np.where(condition != 0, yes, no)


@dataclass(frozen=True)
class Function:
    """A function of the language: its number of arguments, what it computes, and whether it takes and gives integers."""

    arguments: int
    compute: Callable[..., Array]
    description: str
    integer: bool = False
    logical: bool = False


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(1, np.abs, "absolute value"),
    "sqrt": Function(1, np.sqrt, "square root"),
    "min": Function(2, np.minimum, "smaller of two"),
    "max": Function(2, np.maximum, "larger of two"),
    "finite": Function(1, np.isfinite, "neither NaN nor infinite", logical=True),
    "normal": Function(1, _normal, "finite, not zero, not subnormal", logical=True),
    "where": Function(3, _where, "second if the first holds, else third"),
    "delta_phi": Function(2, delta_phi, "difference of two angles, wrapped once into (-pi, pi]"),
    "energy_over_pt": Function(3, _energy_over_pt, "E/pt from pt, eta and mass, computed in float64"),
    "quotient": Function(2, _quotient, "integer division that truncates toward zero", integer=True),
    "remainder": Function(2, np.fmod, "remainder of that division (sign of the first number)", integer=True),
}

_ARITHMETIC: dict[type, Callable[..., Array]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.USub: np.negative,
}
_COMPARISONS: dict[type, Callable[..., Array]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_LOGICAL: dict[type, Callable[..., Array]] = {ast.And: np.logical_and, ast.Or: np.logical_or, ast.Not: np.logical_not}
_SYMBOLS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.USub: "-", ast.Not: "not ", ast.And: "and", ast.Or: "or",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_BINDING = {
    "or": 1,
    "and": 2,
    "not ": 3,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), 4),
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
}


@dataclass(frozen=True)
class Expression:
    """A node of a parsed expression.

    Attributes:
        kind: ``name``, ``number``, ``arithmetic``, ``comparison``, ``logical`` or ``function``.
        content: the name, the number, or the key of the operation.
        arguments: nodes below.
    """

    kind: str
    content: Any
    arguments: tuple[Expression, ...] = ()

    @property
    def names(self) -> set[str]:
        """Names that the expression reads."""
        own = {self.content} if self.kind == "name" else set()
        return own.union(*(argument.names for argument in self.arguments))

    def __str__(self) -> str:
        """Return the expression as text that parses to an equal one."""
        if self.kind in ("name", "number"):
            return str(self.content)
        if self.kind == "function":
            return f"{self.content}({', '.join(map(str, self.arguments))})"
        symbol, own = _SYMBOLS[self.content], self._binding
        # an equal operation on the right, or a comparison in a comparison, needs brackets to parse to the same tree
        tight = [own + (position > 0 or self.kind == "comparison") for position in range(len(self.arguments))]
        parts = [f"({a})" if a._binding < need else str(a) for a, need in zip(self.arguments, tight, strict=True)]
        return f"{parts[0]} {symbol} {parts[1]}" if len(parts) == 2 else f"{symbol}{parts[0]}"

    @property
    def _binding(self) -> int:
        """How tightly the operation binds its arguments."""
        if self.kind not in ("arithmetic", "comparison", "logical"):
            return 9
        return 7 if self.content is ast.USub else _BINDING[_SYMBOLS[self.content]]

    def substitute(self, replacements: Mapping[str, Expression]) -> Expression:
        """Return the expression with the given names replaced by expressions."""
        if self.kind == "name":
            return replacements.get(self.content, self)
        return Expression(self.kind, self.content, tuple(a.substitute(replacements) for a in self.arguments))

    def is_integer(self, integer_names: set[str]) -> bool:
        """Return whether the result is an integer or logical, if those names hold integers."""
        if self.kind == "name":
            return self.content in integer_names
        if self.kind == "number":
            return isinstance(self.content, int)
        if self.kind == "arithmetic":
            return False
        if self.kind == "function":
            return FUNCTIONS[self.content].integer or FUNCTIONS[self.content].logical
        return True

    def evaluate(
        self,
        arrays: Callable[[str], Array],
        dtype: DTypeLike = np.float32,
        cache: dict[Expression, Array] | None = None,
    ) -> Array:
        """Return the value: an array, or a scalar where no name is read.

        Args:
            arrays: gives the array of a name.
            dtype: precision of arithmetic.
            cache: results of nodes met before with the same arrays; shared between the expressions of a block.
        """
        cache = {} if cache is None else cache
        if self not in cache:
            cache[self] = self._compute(arrays, np.dtype(dtype), cache)
        return cache[self]

    def _compute(self, arrays: Callable[[str], Array], dtype: np.dtype, cache: dict[Expression, Array]) -> Array:
        if self.kind == "name":
            return arrays(self.content)
        if self.kind == "number":
            return np.asarray(self.content)
        values = [argument.evaluate(arrays, dtype, cache) for argument in self.arguments]
        if self.kind == "comparison":
            return _COMPARISONS[self.content](*(value.astype(np.float64) for value in values))
        if self.kind == "logical":
            return _LOGICAL[self.content](*(value != 0 for value in values))
        if self.kind == "function":
            function = FUNCTIONS[self.content]
            return function.compute(*(values if function.integer else (value.astype(dtype) for value in values)))
        return _ARITHMETIC[self.content](*(value.astype(dtype) for value in values))


def parse(text: str) -> Expression:
    """Return the parsed expression.

    Raises:
        ConfigError: if the text is not an expression of the language; the message points at the place.
    """
    try:
        tree = ast.parse(str(text).strip(), mode="eval")
    except SyntaxError as error:
        msg = f"expression '{text}': {error.msg} at column {error.offset}"
        raise ConfigError(msg) from error
    return _convert(tree.body, str(text).strip())


def _convert(node: ast.expr, text: str) -> Expression:
    def below(*nodes: ast.expr) -> tuple[Expression, ...]:
        return tuple(_convert(child, text) for child in nodes)

    match node:
        case ast.Name(id=name):
            return Expression("name", name)
        case ast.Constant(value=value) if isinstance(value, (int, float)) and not isinstance(value, bool):
            return Expression("number", value)
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            return Expression("arithmetic", type(op), below(node.left, node.right))
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return Expression("number", -value)
        case ast.UnaryOp(op=ast.USub()):
            return Expression("arithmetic", ast.USub, below(node.operand))
        case ast.UnaryOp(op=ast.Not()):
            return Expression("logical", ast.Not, below(node.operand))
        case ast.BoolOp():
            first, *rest = below(*node.values)
            for argument in rest:
                first = Expression("logical", type(node.op), (first, argument))
            return first
        case ast.Compare(ops=[op]) if type(op) in _COMPARISONS:
            return Expression("comparison", type(op), below(node.left, *node.comparators))
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            return Expression("function", _check_call(name, node, text), below(*node.args))
    raise _refuse(node, text, "not part of the language (names, numbers, + - * /, one comparison, and, or, not, functions)")


def _check_call(name: str, node: ast.Call, text: str) -> str:
    if name not in FUNCTIONS:
        raise _refuse(
            node, text, f"unknown function '{name}'{nearest(name, list(FUNCTIONS))}; known: {', '.join(FUNCTIONS)}"
        )
    if len(node.args) != FUNCTIONS[name].arguments:
        raise _refuse(node, text, f"{name} takes {FUNCTIONS[name].arguments} arguments, received {len(node.args)}")
    return name


def _refuse(node: ast.expr, text: str, reason: str) -> ConfigError:
    part = ast.get_source_segment(text, node) or text
    return ConfigError(f"expression '{text}': '{part}' at column {node.col_offset + 1}: {reason}")
