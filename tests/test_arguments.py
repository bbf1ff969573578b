"""Arguments of functions are what their annotations say, or the call is refused in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import NonNegativeInt

from TauAdv.arguments import checked, require_type
from TauAdv.errors import ConfigError, InputError


@checked
def step(
    folder: str | Path,
    names: Sequence[str] | None = None,
    *,
    rows: NonNegativeInt = 0,
    share: float = 0.5,
    twice: bool = False,
    title: str = "",
    error: Exception | None = None,
    others: Sequence[Exception] = (),
    labels: Mapping[str, Exception] | None = None,
    anything: Any = None,
    **options: float,
) -> dict[str, Any]:
    return {key: value for key, value in locals().items() if key != "options"} | options


@pytest.mark.parametrize(
    ("arguments", "key", "value"),
    [
        ({"folder": Path("a b")}, "folder", "a b"),
        ({"folder": "~"}, "folder", str(Path.home())),
        ({"names": ("run", "evt")}, "names", ["run", "evt"]),
        ({"names": np.array(["run", "evt"])}, "names", ["run", "evt"]),
        ({"rows": np.int64(3)}, "rows", 3),
        ({"share": 1}, "share", 1.0),
        ({"share": np.float32(0.25)}, "share", 0.25),
        ({"twice": np.bool_(True)}, "twice", True),
        ({"title": ""}, "title", ""),
        ({"error": None}, "error", None),
        ({"anything": "maybe"}, "anything", "maybe"),
        ({"power": np.float64(0.5)}, "power", 0.5),
    ],
)
def test_taken(arguments, key, value):
    found = step(**{"folder": "x"} | arguments)[key]
    assert (found, type(found)) == (value, type(value))


def test_objects_are_taken_as_they_are():
    error, labels = ValueError("x"), {"a": KeyError("x")}
    found = step("x", error=error, others=[error], labels=labels)
    assert found["error"] is error
    assert found["labels"] is labels


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"folder": ""}, "step: folder: empty"),
        ({"folder": "\u200b"}, "step: folder: empty"),
        ({"folder": None}, "step: folder: expected a value; received None"),
        ({"folder": 5}, "step: folder: expected (text or a path|a path or text); received 5"),
        ({"folder": "a\0b"}, "step: folder: expected text without the control character"),
        ({"names": "evt"}, r"step: names: expected a list of values; received 'evt'; write \['evt'\]"),
        ({"names": [1]}, "step: names.0: expected text; received 1"),
        ({"rows": -1}, "step: rows: expected at least 0; received -1"),
        ({"rows": "3"}, "step: rows: expected a whole number; received '3'"),
        ({"rows": 2.5}, "step: rows: expected a whole number; received 2.5"),
        ({"rows": True}, "step: rows: expected a whole number; received true"),
        ({"rows": 10**20}, "step: rows: expected a number that fits into 64 bits"),
        ({"rows": 10**5000}, "step: rows: expected a number that fits into 64 bits"),
        ({"share": "0.5"}, "step: share: expected a number; received '0.5'"),
        ({"share": float("nan")}, "step: share: expected a finite number; received nan"),
        ({"share": np.float64("inf")}, "step: share: expected a finite number; received inf"),
        ({"twice": "maybe"}, "step: twice: expected true or false; received 'maybe'"),
        ({"title": " "}, "step: title: empty"),
        ({"error": "x"}, "step: error: expected a Exception or NoneType; received a str, 'x'"),
        ({"others": ["x"]}, "step: others.0: expected a Exception; received a str, 'x'"),
        ({"others": "x"}, "step: others: expected a Sequence; received a str, 'x'"),
        ({"labels": {"a": 5}}, "step: labels.a: expected a Exception; received a int, 5"),
        ({"power": "a"}, "step: power: expected a number; received 'a'"),
    ],
)
def test_refused(arguments, message):
    with pytest.raises(InputError, match=f"^{message}"):
        step(**{"folder": "x"} | arguments)


def test_unknown_names_are_errors_of_python():
    with pytest.raises(TypeError, match="missing a required argument: 'folder'"):
        step()


def test_single_values():
    require_type(None, str | None, "era", "features")
    with pytest.raises(InputError, match=r"^features: rm: expected true or false; received 'maybe'$"):
        require_type("maybe", bool, "rm", "features")


@pytest.mark.parametrize("seed", [10**20, -(10**20), 2**63])
def test_settings_that_no_manifest_holds(seed):
    from TauAdv.config import validate_settings
    from TauAdv.production.event_drop.drop import EventDropSettings

    with pytest.raises(ConfigError, match="seed: expected a number that fits into 64 bits"):
        validate_settings(EventDropSettings, {"seed": seed, "target_histogram": "h"}, "the call")
