"""A tree as the steps of a machine with a stack of values, which computes it on whole arrays.

Like the tree's printing it works at any depth. Beside the values there is a stack of masks: the entries for which C++
would get to a part of the expression (behind ``&&``, ``||`` and ``?``), so that only these can be divided by zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from TauAdv.errors import InputError
from TauAdv.tuples.language import cpp
from TauAdv.tuples.language.branches import Branch
from TauAdv.tuples.language.characters import pointer
from TauAdv.tuples.language.functions import FUNCTIONS
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
    joined,
    parts,
)
from TauAdv.tuples.language.types import type_named

__all__ = ["Program"]


@dataclass
class _Machine:
    branches: Mapping[str, Branch]
    values: list[Any]
    active: list[Any]

    def pop(self, number: int) -> list[Any]:
        taken = self.values[len(self.values) - number :]
        del self.values[len(self.values) - number :]
        return taken


@dataclass(frozen=True)
class _Step:
    """What is done, for which node (to point at), and by how much the stacks grow."""

    run: Callable[[_Machine], None]
    node: Node
    growth: int = 0


class Program:
    """The steps that compute a tree.

    Attributes:
        depth: the most values and masks on the stacks at a time.
    """

    def __init__(self, text: str, tree: Node) -> None:
        self._text = text
        self._steps = _compiled(tree)
        heights = np.cumsum([step.growth for step in self._steps])
        self.depth = int(heights.max())

    def __call__(self, branches: Mapping[str, Branch], active: Any) -> Any:
        """Return the value of the tree in every entry.

        Args:
            branches: by name.
            active: the entries for which the value counts.

        Raises:
            InputError: if an operator does not fit its values, or has no result in an active entry; shows where.
        """
        machine = _Machine(branches, [], [active])
        for step in self._steps:
            try:
                step.run(machine)
            except (TypeError, InputError) as error:
                msg = f"selection: {error}\n{pointer(self._text, getattr(step.node, 'position', 0))}"
                raise InputError(msg) from error
        return machine.values.pop()


def _compiled(root: Node) -> list[_Step]:
    steps: list[_Step] = []
    pending: list[Node | _Step] = [root]
    while pending:
        item = pending.pop()
        if isinstance(item, _Step):
            steps.append(item)
        else:
            pending += reversed(_expanded(item))
    return steps


def _expanded(node: Node) -> list[Node | _Step]:
    """Return the parts of a node to compute, and the steps between and behind them."""
    match node:
        case Literal():
            return [_Step(partial(_push, node.value), node, 1)]
        case Name():
            return [_Step(partial(_read, node.name), node, 1)]
        case Size():
            return [_Step(partial(_measure, node), node, 1)]
        case Index():
            return [node.index, _apply(node, 1, partial(_take, node.branch.name))]
        case Unary():
            return [node.operand, _apply(node, 1, lambda machine, value: cpp.unary(node.operator, value))]
        case Cast():
            dtype = type_named(node.type)
            return [node.operand, _apply(node, 1, lambda machine, value: cpp.cast(value, dtype, machine.active[-1]))]
        case Binary():
            return [node.left, node.right, _apply(node, 2, partial(_combine, node.operator))]
        case Call():
            function = FUNCTIONS[node.function]
            apply = _apply(node, len(node.arguments), lambda machine, *values: function(values, machine.active[-1]))
            return [*parts(node), apply]
        case Logical():
            return _expanded_logical(node)
        case Conditional():
            return _expanded_conditional(node)


def _apply(node: Node, number: int, function: Callable[..., Any]) -> _Step:
    def run(machine: _Machine) -> None:
        machine.values.append(function(machine, *machine.pop(number)))

    return _Step(run, node, 1 - number)


def _push(value: Any, machine: _Machine) -> None:
    machine.values.append(value)


def _read(name: str, machine: _Machine) -> None:
    machine.values.append(machine.branches[name].values)


def _measure(node: Size, machine: _Machine) -> None:
    machine.values.append(machine.branches[node.branch.name].sizes.astype(np.uint64 if node.unsigned else np.int32))


def _take(name: str, machine: _Machine, index: Any) -> Any:
    return machine.branches[name].take(index, machine.active[-1])


def _combine(operator: str, machine: _Machine, left: Any, right: Any) -> Any:
    return cpp.binary(operator, left, right, machine.active[-1])


def _expanded_logical(node: Logical) -> list[Node | _Step]:
    """Return ``a && b && c``: a mask is opened behind a, made narrower behind every further term, and closed."""
    first, *others = joined(node, node.operator)
    narrow = _Step(partial(_narrow, node.operator), node)
    found: list[Node | _Step] = [first, _Step(_open, node, 1), narrow]
    for term in others:
        found += (term, _Step(partial(_join, node.operator), node, -1), narrow)
    return [*found, _Step(_close, node, -1)]


def _open(machine: _Machine) -> None:
    machine.values.append(cpp.truth(machine.values.pop()))
    machine.active.append(machine.active[-1])


def _narrow(operator: str, machine: _Machine) -> None:
    decided = machine.values[-1]
    machine.active[-1] = machine.active[-2] & (decided if operator == "&&" else ~decided)


def _join(operator: str, machine: _Machine) -> None:
    left, right = machine.pop(2)
    machine.values.append(left & cpp.truth(right) if operator == "&&" else left | cpp.truth(right))


def _close(machine: _Machine) -> None:
    machine.active.pop()


def _expanded_conditional(node: Conditional) -> list[Node | _Step]:
    start = [node.condition, _Step(_open, node, 1), _Step(partial(_narrow, "&&"), node)]
    return [*start, node.then, _Step(_turn, node), node.otherwise, _Step(_choose, node, -3)]


def _turn(machine: _Machine) -> None:
    """Make the entries active for which the condition, below the first value, does not hold."""
    machine.active[-1] = machine.active[-2] & ~machine.values[-2]


def _choose(machine: _Machine) -> None:
    condition, then, otherwise = machine.pop(3)
    machine.active.pop()
    types = {np.asarray(value).dtype for value in (then, otherwise)}
    kind = types.pop() if len(types) == 1 else cpp.common_type(then, otherwise)  # equal types are not promoted
    machine.values.append(np.where(condition, cpp.convert(then, kind), cpp.convert(otherwise, kind)))
