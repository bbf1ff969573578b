"""What is wrong with the content of a configuration, all at once and in the words of its writer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError, create_model

from TauAdv.commands import place_of_words
from TauAdv.config.meaning import AsMeant, NotMeant, opened
from TauAdv.config.scalars import Written
from TauAdv.config.unions import OF_A_KEY, entry_of, readable
from TauAdv.errors import nearest, shortened

__all__ = ["problems"]

_LIST = "a list of values"
_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "string": "text",
    "path": "a path",
    "tuple": _LIST,
    "list": _LIST,
    "sequence": _LIST,
    "set": _LIST,
    "frozen": _LIST,
    "dict": "'key: value' pairs",
    "mapping": "'key: value' pairs",
    "model": "a group of settings ('key: value' pairs)",
}
#: Types of pydantic's errors about one value.
_SINGLE = {"int", "float", "bool", "literal", "alternatives"}
_KNOWN = "; known here: "
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def problems(kind: type[BaseModel], content: Mapping[str, Any], error: ValidationError, source: str = "") -> list[str]:
    """Return one line per problem: what pydantic found, contradictions between the settings it took, missing inputs.

    pydantic compares settings with each other only when each of them is good; here the good ones are compared all the same,
    so that a file need not be mended and tried again.

    Args:
        kind: settings class.
        content: what was to become such settings.
        error: why it did not.
        source: where the content is from; the lines do not repeat it.
    """
    # a default that follows from a bad setting is no further problem
    found = [entry for entry in readable(error.errors(), content) if entry["type"] != "default_factory_not_called"]
    lines = []
    for entry in found:
        if _is_elsewhere(content, entry):
            continue
        place = _place(content, entry["loc"])
        start = "" if place in (None, source) else f"{place}: "
        lines += [f"{start}{line}{_hint_of_group(content, entry)}" for line in _explain(kind, content, entry)]
    lines = _each_list_once(lines)
    for line in _of_the_rest(kind, content, [entry["loc"] for entry in error.errors()]):
        if line not in lines:
            lines.append(line)
    return lines


def _each_list_once(lines: list[str]) -> list[str]:
    """Return lines in which a list of known keys that an earlier one has is left out."""
    seen: set[str] = set()
    found = []
    for line in lines:
        start, separator, known = line.partition(_KNOWN)
        found.append(start if known in seen else line)
        seen |= {known} if separator else set()
    return found


def _is_elsewhere(content: Any, entry: Any) -> bool:
    """Return whether a setting is missing only because it is written outside of its group, which is a problem of its own."""
    return (
        entry["type"] == "missing" and len(entry["loc"]) > 1 and isinstance(content, Mapping) and entry["loc"][-1] in content
    )


def _place(content: Any, location: Iterable[Any]) -> str | None:
    """Return the line of a file that has a bad setting, or that it was typed; ``None`` if neither is known."""
    line = None
    for part in location:
        key = _key(opened(content), part)
        content = entry_of(content, part)
        for found in (key, content):
            if getattr(found, "typed", False) or (isinstance(found, Written) and found.line is None):
                return place_of_words()  # lines below are those of the text that was typed
            line = getattr(found, "line", None) or line
        if line is not None and key is not None and not isinstance(key, Written):
            return None  # it was set from Python, in a group of a file
    return None if line is None or _has_typed(content) else f"line {line}"


def _has_typed(content: Any) -> bool:
    """Return whether a group of a file has settings that were typed, so that either may be what is wrong with it."""
    content = opened(content)
    if not isinstance(content, Mapping):
        return False
    return any(getattr(key, "typed", False) or _has_typed(value) for key, value in content.items())


def _key(content: Any, part: Any) -> Any:
    return next((key for key in content if str(key) == str(part)), None) if isinstance(content, Mapping) else None


def _hint_of_group(content: Any, entry: Any) -> str:
    """Return the group that was meant by one that the command line began and left incomplete."""
    if entry["type"] != "missing" or len(entry["loc"]) < 2:
        return ""
    *above, group, _ = entry["loc"]
    for part in above:
        content = entry_of(content, part)
    content = opened(content)
    if not getattr(_key(content, group), "typed", False):
        return ""
    return nearest(str(group), [str(key) for key in content if not getattr(key, "typed", False)])


def _explain(kind: type[BaseModel], content: Any, entry: Any) -> Iterator[str]:
    location = [str(part) for part in entry["loc"]]
    name = ".".join(location)
    prefix = f"{name}: " if name else ""
    if isinstance(entry["input"], NotMeant) and entry["input"].problem is not None:
        yield prefix + entry["input"].problem
    elif entry["type"] == "value_error":
        yield from (prefix + message for message in str(entry["ctx"]["error"]).splitlines())
    elif entry["type"] == "extra_forbidden":
        yield f"{name}: unknown key{_hint(kind, location)}"
    elif entry["type"] == "missing":
        reason = kind.reason_of(name, content) if hasattr(kind, "reason_of") else None
        yield f"{name}: required, but not given" if reason is None else f"{name}: {reason}"
    else:
        if location[-1:] == [OF_A_KEY]:
            prefix = f"{'.'.join(location[:-1])}: name: "
        yield f"{prefix}{_wording(entry)}; received {_shown(entry['input'])}{_hint_of_list(kind, name, entry)}"


def _hint_of_list(kind: type[BaseModel], name: str, entry: Any) -> str:
    """Return what was meant by a list where a single value belongs, or by values that no brackets make a list."""
    value, wording = entry["input"], _wording(entry)
    if isinstance(value, str) and "," in value and wording == f"expected {_LIST}":
        return f"; a list is written in brackets: [{shortened(value)}]"
    single = entry["type"].partition("_")[0] in _SINGLE and _LIST not in wording and not isinstance(entry["loc"][-1], int)
    if single and isinstance(value, list | tuple) and len(value) > 1 and hasattr(kind, "several"):
        return f"; {kind.several(name, value)}"
    return ""


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    return shortened(repr(str(value) if isinstance(value, Written) else value), 100)


def _hint(kind: type[BaseModel], location: list[str]) -> str:
    """Return what might help with an unknown key: what it belongs to, the nearest known one, or all."""
    above, _, below = location[-1].partition(".")
    if ":" in location[-1]:
        key, _, value = location[-1].partition(":")
        return f"; a space belongs behind the colon: {key}: {value}"
    if below and above in kind.model_fields:
        return f"; in a file, {below} stands in the block of {above}"
    group: Any = _group_at(kind, location[:-1])
    for one in (group, kind):
        if hasattr(one, "elsewhere") and (home := one.elsewhere(location[-1])):
            return f"; {home}"
    variants = group.variants().values() if hasattr(group, "variants") else ()
    known = list(dict.fromkeys(name for one in (group, *variants) for name in one.model_fields))
    return nearest(location[-1], known) or _nearest_in_groups(kind, location[-1]) or f"{_KNOWN}{', '.join(known)}"


def _nearest_in_groups(kind: type[BaseModel], name: str) -> str:
    """Return the key of a group that is closest to a name."""
    places = {key: f"{group}.{key}" for group, one in _groups(kind) for key in one.model_fields}
    hint = nearest(name, list(places), cutoff=0.7)
    found = hint.split("'")[1] if hint else ""
    return hint.replace(f"'{found}'", f"'{places[found]}'") if found else ""


def _wording(entry: Any) -> str:
    kind, context = entry["type"], entry.get("ctx", {})
    if kind == "alternatives":
        each = dict.fromkeys(_wording(one).removeprefix("expected ") for one in context["entries"])
        return f"expected {' or '.join(each)}"
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"expected {words} {context[key]}"
    if kind == "literal_error":
        known = [text.strip("' ") for text in context["expected"].replace(" or ", ", ").split(", ")]
        return f"expected {context['expected']}{nearest(str(entry['input']), known)}"
    if kind in {"too_short", "too_long"}:
        words, number = ("at least", "min_length") if kind == "too_short" else ("at most", "max_length")
        return f"expected {words} {context[number]} values, not {context['actual_length']}"
    if kind == "is_instance_of":
        return f"expected a {context['class']}"
    if expected := _EXPECTED.get(kind.partition("_")[0]):
        return f"expected {expected}"
    return entry["msg"][0].lower() + entry["msg"][1:]


def _of_the_rest(kind: type[BaseModel], content: Any, locations: list[tuple[Any, ...]], prefix: str = "") -> Iterator[str]:
    """Yield contradictions and missing inputs among the settings that are good, in groups of settings as well."""
    if not isinstance(content, Mapping) or not all(locations):
        return  # a location () is of settings that pydantic did compare
    kind = _chosen(kind, content)
    for name, group in _groups(kind):
        if below := _below(locations, name):
            yield from _of_the_rest(group, opened(content.get(name)), below, f"{prefix}{name}.")
    good = _good_part(kind, content, locations)
    if hasattr(good, "contradictions"):
        misspelt = not all(_is_setting(kind, content, location) for location in locations)  # perhaps what seems left out
        for names, message in good.contradictions():
            paths = [name.split(".") for name in names]
            if any(_overlap(path, location) for path in paths for location in locations):
                continue
            if not misspelt or any(_is_given(content, path) for path in paths):
                yield f"{prefix.rstrip('.')}: {message}" if prefix else message
    if hasattr(good, "missing_inputs"):
        yield from (f"{prefix}{message}" for message in good.missing_inputs())


def _chosen(kind: type[BaseModel], content: Mapping[str, Any]) -> Any:
    return kind.chosen(content) if hasattr(kind, "chosen") else kind


def _groups(kind: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the groups among settings with their classes; none that is within a list or a dictionary."""
    for name, field in kind.model_fields.items():
        group = settings_in(field.annotation)
        if group is not None and get_origin(field.annotation) in (None, Union, UnionType):
            yield name, group


def _below(locations: Iterable[tuple[Any, ...]], name: str) -> list[tuple[Any, ...]]:
    return [location[1:] for location in locations if location[0] == name]


def _is_setting(kind: Any, content: Any, location: tuple[Any, ...]) -> bool:
    """Return whether there is a setting of the name that a location has."""
    for part in location:
        content = opened(content)
        if not hasattr(kind, "model_fields") or not isinstance(part, str):
            return True  # within a value
        kind = _chosen(kind, content) if isinstance(content, Mapping) else kind
        if part not in kind.model_fields:
            return False
        kind, content = settings_in(kind.model_fields[part].annotation), entry_of(content, part)
    return True


def _overlap(path: list[str], location: tuple[Any, ...]) -> bool:
    """Return whether a setting is the one at a location, its group, or within it."""
    return all(name == str(part) for name, part in zip(path, location, strict=False))


def _is_given(content: Any, path: list[str]) -> bool:
    for name in path:
        content = opened(content)
        if not isinstance(content, Mapping) or name not in content:
            return False
        content = content[name]
    return True


def _good_part(kind: type[BaseModel], content: Mapping[str, Any], locations: list[tuple[Any, ...]]) -> Any:
    """Return settings with what is good in ``content`` and defaults; required ones that are absent are ``None``."""
    bad = {location[0] for location in locations}
    given: Any = {
        name: (field.annotation, field) for name, field in kind.model_fields.items() if name in content and name not in bad
    }
    try:
        values = create_model("Part", __base__=AsMeant, **given)(**{name: content[name] for name in given})
    except ValidationError as error:  # pydantic found the group as a whole wrong, and did not look at all of its settings
        return _good_part(kind, content, [*locations, *(entry["loc"] for entry in error.errors())])
    absent = {name: None for name, field in kind.model_fields.items() if field.is_required() and name not in given}
    groups = {}
    for name, group in _groups(kind):
        if name not in given and kind.model_fields[name].default_factory is not None:
            inner = opened(content.get(name))
            inner = inner if isinstance(inner, Mapping) else {}
            groups[name] = _good_part(_chosen(group, inner), inner, [each for each in _below(locations, name) if each])
    return kind.model_construct(**absent, **groups, **{name: getattr(values, name) for name in given})


def _group_at(kind: type[BaseModel], location: list[str]) -> type[BaseModel]:
    current = kind
    for part in location:
        field = getattr(current, "model_fields", {}).get(part)
        if field is None:
            continue  # an index of a list or a key of a dictionary: stay at the type of its values
        current = settings_in(field.annotation) or current
    return current


def settings_in(annotation: Any) -> type[BaseModel] | None:
    """Return the settings class within a type such as ``EarlyStopping | None``, or ``None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        if found := settings_in(argument):
            return found
    return None
