"""An independent evaluation of selections: one entry at a time, with Python numbers tagged by their C++ type."""

import math
import struct

import numpy as np

from TauAdv.tuples.language.tree import Call, Cast, Conditional, Literal, Logical, Name, Unary

ARRAYS = {
    "f": np.array([0.9, 2.3, -1.5, 0.0, np.nan, 3.4e38, 1e-40], np.float32),
    "d": np.array([0.9, 2.3, -1.5, 0.0, np.inf, -np.inf, 1e-300], np.float64),
    "i": np.array([0, 1, -7, 5, 2**31 - 1, -(2**31), 3], np.int32),
    "u": np.array([0, 1, 2**32 - 1, 5, 7, 2**31, 3], np.uint32),
    "l": np.array([0, -1, 2**40, 5, -(2**63), 2**63 - 1, 3], np.int64),
    "ul": np.array([0, 1, 2**64 - 1, 5, 7, 2**63, 3], np.uint64),
    "s": np.array([0, 1, 65535, 5, 7, 12, 3], np.uint16),
    "b": np.array([True, False, True, True, False, False, True]),
}


SIZES = {"bool": 8, "u16": 16, "i32": 32, "u32": 32, "i64": 64, "u64": 64}
CASTS = {
    "bool": "bool", "unsigned short": "u16", "int": "i32", "UInt_t": "u32", "long long": "i64", "std::uint64_t": "u64",
    "float": "f32", "Double_t": "f64",
}  # fmt: skip
TAGS = {
    "float32": "f32",
    "float64": "f64",
    "int32": "i32",
    "uint32": "u32",
    "int64": "i64",
    "uint64": "u64",
    "uint16": "u16",
}


def to_float32(value):
    if math.isnan(value) or math.isinf(value):
        return value
    try:
        return struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def wrapped(value, tag):
    value %= 1 << SIZES[tag]
    return value - (1 << SIZES[tag]) if tag[0] == "i" and value >= 1 << (SIZES[tag] - 1) else value


def cast(value, tag):
    if tag == "f64":
        return float(value)
    if tag == "f32":
        return to_float32(value) if isinstance(value, float) else integer_to_float32(value)
    if tag == "bool":
        return value != 0
    if isinstance(value, float):
        if not math.isfinite(value) or wrapped(int(value), tag) != int(value):
            raise OverflowError
        return int(value)
    return wrapped(int(value), tag)


def integer_to_float32(value):
    return float(np.float32(np.uint64(value)) if value >= 0 else -np.float32(np.uint64(-value)))


def promoted(tag):
    return "i32" if tag in ("bool", "u16") else tag


def conditional_type(*tags):
    """Return the type of ``? :``: equal types stay, different ones are promoted and combined."""
    return tags[0] if len(set(tags)) == 1 else combined(*tags)


def combined(*tags):
    tags = [promoted(tag) for tag in tags]
    for floating in ("f64", "f32"):
        if floating in tags:
            return floating
    largest = max(SIZES[tag] for tag in tags)
    return f"{'u' if f'u{largest}' in tags else 'i'}{largest}"


def divide(left, right, tag):
    if tag[0] != "f":
        if tag[0] == "i" and right == -1 and left == -(2 ** (SIZES[tag] - 1)):
            raise OverflowError  # what x86 does, too
        quotient = abs(left) // abs(right)
        return wrapped(quotient if (left < 0) == (right < 0) else -quotient, tag)
    if right == 0 or math.isnan(left) or math.isnan(right):
        if left == 0 or math.isnan(left) or math.isnan(right):
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1, right)
    if math.isinf(left) and math.isinf(right):
        return math.nan
    return left / right


def arithmetic(operator, left, right, tag):
    if operator == "/":
        result = divide(left, right, tag)
    elif operator == "*" and tag[0] == "f" and {0.0, math.inf} == {abs(left), abs(right)}:
        result = math.nan
    else:
        result = {"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right}[operator]()
    return (cast(result, tag) if tag[0] == "f" else wrapped(result, tag)), tag


COMPARISONS = {
    "<": lambda x, y: x < y, ">": lambda x, y: x > y, "<=": lambda x, y: x <= y, ">=": lambda x, y: x >= y,
    "==": lambda x, y: x == y, "!=": lambda x, y: x != y,
}  # fmt: skip


def evaluate(node, entry):
    """Return value and type tag of a tree; raises ArithmeticError where C++ has no result."""
    if isinstance(node, Literal):
        return node.value.item(), TAGS.get(str(node.value.dtype), "bool")
    if isinstance(node, Name):
        return ARRAYS[node.name][entry].item(), TAGS.get(str(ARRAYS[node.name].dtype), "bool")
    if isinstance(node, Unary):
        value, tag = evaluate(node.operand, entry)
        if node.operator == "!":
            return value == 0, "bool"
        tag = promoted(tag)
        return (value if tag[0] == "f" else wrapped(value, tag)) if node.operator == "+" else negated(value, tag), tag
    if isinstance(node, Cast):
        return cast(evaluate(node.operand, entry)[0], CASTS[node.type]), CASTS[node.type]
    if isinstance(node, Logical):
        left = evaluate(node.left, entry)[0] != 0
        if left == (node.operator == "||"):
            return left, "bool"
        return evaluate(node.right, entry)[0] != 0, "bool"
    if isinstance(node, Conditional):
        chosen = evaluate(node.then if evaluate(node.condition, entry)[0] != 0 else node.otherwise, entry)
        tag = conditional_type(*(static_tag(branch) for branch in (node.then, node.otherwise)))
        return cast(chosen[0], tag), tag
    if isinstance(node, Call):
        return call(node, entry)
    (left, left_tag), (right, right_tag) = evaluate(node.left, entry), evaluate(node.right, entry)
    tag = combined(left_tag, right_tag)
    left, right = cast(left, tag), cast(right, tag)
    if node.operator in COMPARISONS:
        return COMPARISONS[node.operator](left, right), "bool"
    return arithmetic(node.operator, left, right, tag)


def negated(value, tag):
    return -value if tag[0] == "f" else wrapped(-value, tag)


def call(node, entry):
    values, tags = zip(*(evaluate(argument, entry) for argument in node.arguments), strict=True)
    tag = combined(*tags)
    values = [cast(value, tag) for value in values]
    if node.function == "std::abs":
        return (abs(values[0]) if tag[0] == "f" else wrapped(abs(values[0]), tag)), tag
    chosen = values[1] if (values[1] < values[0] if node.function == "std::min" else values[0] < values[1]) else values[0]
    return chosen, tag


def static_tag(node):
    """Return the type of a tree whatever its values."""
    if isinstance(node, Literal | Name):
        return evaluate(node, 0)[1]
    if isinstance(node, Logical) or (isinstance(node, Unary) and node.operator == "!"):
        return "bool"
    if isinstance(node, Cast):
        return CASTS[node.type]
    if isinstance(node, Unary):
        return promoted(static_tag(node.operand))
    if isinstance(node, Conditional):
        return conditional_type(static_tag(node.then), static_tag(node.otherwise))
    if isinstance(node, Call):
        return combined(*(static_tag(argument) for argument in node.arguments))
    return "bool" if node.operator in COMPARISONS else combined(static_tag(node.left), static_tag(node.right))
