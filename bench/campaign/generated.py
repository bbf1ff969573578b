"""Generated inputs for everything that reads text: the right value or one error, within limits of time and memory."""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from campaign.attempt import REPOSITORY, call
from campaign.tally import Tally

__all__ = ["PARSERS", "generate_inputs"]

#: Per input, and for all of a batch.
LIMIT_SECONDS, LIMIT_BYTES, BATCH = 10.0, 6 << 30, 2000
_STRANGE = [
    '\x00', '\xa0', '\u200b', '−', '“', '\ufeff', '\ud800', 'é', '漢', '\t', '\n', '\r\n', '#', '\\', "'", '"',
    "0" * 400, '1e999', '-', '(', ')', '[', ']', '{', '}', ',', ':', ';', '&&', '||', '|', '&', '!', '?', '%',
    '*', '/', '<', '>', '=', '==', '~', '&a', '*a', '!!python/object', 'null', 'nan', 'inf', '0x1F', '010',
    '1_000', 'yes', '12:00:00', '2026-02-30', "(" * 60, "[" * 60,
]  # fmt: skip


class Wrong(Exception):
    """A parser gave another value than the one that was written."""


class TooLong(Exception):
    """A parser took longer than allowed."""


@dataclass(frozen=True)
class Parser:
    """Something that reads text.

    Attributes:
        name: of what it reads.
        seeds: good texts, to be changed at random.
        read: reads a text; raises an error of TauAdv if it is not good.
        valid: draws a text and checks its value, or ``None`` if there is no such check.
    """

    name: str
    seeds: tuple[str, ...]
    read: Callable[[str], Any]
    valid: Callable[[np.random.Generator], None] | None = None


def _changed(text: str, rng: np.random.Generator) -> str:
    """Return a text with up to five pieces put in, taken out, doubled or exchanged."""
    for _ in range(int(rng.integers(1, 6))):
        start, stop = sorted(int(n) for n in rng.integers(0, len(text) + 1, 2))
        way = int(rng.integers(5))
        piece = _STRANGE[int(rng.integers(len(_STRANGE)))]
        if way == 0:
            text = text[:start] + piece + text[start:]
        elif way == 1:
            text = text[:start] + text[min(stop, start + 12) :]
        elif way == 2:
            text = text[:stop] + text[start:stop] + text[stop:]
        elif way == 3:
            text = text[:start] + piece + text[min(start + len(piece), len(text)) :]
        else:
            text = text[:start] + chr(int(rng.integers(32, 0x2FF))) + text[start:]
        text = text[:20_000]
    return text


def _selection(text: str) -> Any:
    from TauAdv.tuples.selection import parse_selection

    return parse_selection(text)


_COMPARISONS = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


def _valid_selection(rng: np.random.Generator) -> None:
    """Comparisons of whole numbers joined by && and ||, all in brackets: evaluated here one by one."""
    import awkward as ak

    from TauAdv.tuples.selection import parse_selection

    taus = {name: rng.integers(-5, 6, 20).astype(np.int32) for name in ("a", "b", "c")}

    def term(depth: int) -> tuple[str, np.ndarray]:
        if depth == 0 or rng.random() < 0.3:
            name, sign = str(rng.choice(list(taus))), str(rng.choice(list(_COMPARISONS)))
            value = int(rng.integers(-5, 6))
            return f"({name} {sign} {value})", _COMPARISONS[sign](taus[name], value)
        (left, one), (right, two) = term(depth - 1), term(depth - 1)
        kind = int(rng.integers(3))
        if kind == 2:
            return f"!({left})", ~one
        return (f"({left} && {right})", one & two) if kind else (f"({left} || {right})", one | two)

    text, expected = term(int(rng.integers(1, 7)))
    received = parse_selection(text)(ak.Array(taus))
    if not np.array_equal(np.asarray(received), expected):
        raise Wrong(text)


def _expression(text: str) -> Any:
    from TauAdv.features.expressions import parse

    return parse(text)


def _jet_line(text: str) -> Any:
    from TauAdv.jets.reading.parsing import parse_lines
    from TauAdv.jets.schema import JetTable

    return parse_lines([text.encode("utf-8", "surrogatepass")], 1, JetTable.load())


def _valid_jet_line(rng: np.random.Generator) -> None:
    from TauAdv.jets.reading.parsing import parse_lines
    from TauAdv.jets.schema import JetTable

    jet = json.loads(_jet_seed())
    jet[0] = float(np.float32(rng.uniform(20, 500)))
    jet[1] = float(np.float32(rng.uniform(-2, 2)))
    found = parse_lines([json.dumps(jet).encode()], 1, JetTable.load())
    if found.faults or found.jet[0, 0] != jet[0] or found.jet[0, 1] != jet[1]:
        raise Wrong(json.dumps(jet)[:200])


def _jet_seed() -> str:
    import gzip

    with gzip.open(REPOSITORY / "tests/data/jets/jets.json.gz", "rt") as lines:
        return next(lines).strip()


def _yaml(text: str) -> Any:
    from TauAdv.config import parse_yaml

    return parse_yaml(text, "generated.yaml")


def _valid_yaml(rng: np.random.Generator) -> None:
    def value(depth: int) -> Any:
        kind = int(rng.integers(0, 7 if depth else 5))
        texts = ["yes", "0123", "12:00:00", "2026-01-01", "1_000", "a # b", "~", "null", "é", "x: y", "1e3", ""]
        if kind == 5:
            return [value(depth - 1) for _ in range(int(rng.integers(0, 4)))]
        if kind == 6:
            return {f"k{number}": value(depth - 1) for number in range(int(rng.integers(0, 4)))}
        drawn = [int(rng.integers(-1000, 1000)), float(rng.normal()), bool(rng.integers(2)), None]
        return str(rng.choice(texts)) if kind == 4 else drawn[kind]

    content = {f"key{number}": value(3) for number in range(int(rng.integers(1, 5)))}
    text = json.dumps(content, ensure_ascii=bool(rng.integers(2)))  # JSON is YAML 1.2
    if _yaml(text) != content:
        raise Wrong(text)


def _override(text: str) -> Any:
    from TauAdv.config import load_settings
    from TauAdv.training.settings.taus import TauSettings

    return load_settings(TauSettings, None, [f"output.run_name={text}", "data.shards=s"])


def _valid_override(rng: np.random.Generator) -> None:
    alphabet = list("abc #:=,[]{}\"'!&*%0123456789-.é")
    text = "x" + "".join(rng.choice(alphabet, int(rng.integers(0, 12)))) + "x"
    if _override(text).output.run_name != text:
        raise Wrong(text)


def _feature_table(text: str) -> Any:
    from TauAdv.features.table import FeatureTable

    return FeatureTable.from_text(text, "generated.yaml")


PARSERS = (
    Parser(
        "selections",
        (
            "tau_pt > 30 && std::abs(tau_eta) < 2.3 && (tau_decayMode == 0 || tau_decayMode == 10)",
            "!(run == 1 && lumi != 2) || tau_dz * 2. - 1e-3 <= -0.5f",
            "TMath::Max(tau_pt, 20.) / 3 > (int)tau_mass % 2 ? 1 : 0",
        ),
        _selection,
        _valid_selection,
    ),
    Parser(
        "expressions of features",
        ("abs(pfCand_dxy) / pfCand_dxy_error", "normal(tau_dz) and not tau_pt > -10 or tau_eta == 0"),
        _expression,
    ),
    Parser("jet lines", (), _jet_line, _valid_jet_line),
    Parser(
        "settings",
        ("a: 1\nb: [1, 2.5, yes]\nc: {d: 'x', e: null}\n# end\nf: |\n  text\n", "- 1\n- {a: &x 1, b: *x}\n"),
        _yaml,
        _valid_yaml,
    ),
    Parser("key=value", ("scan #3", "0123", "12:00:00", "[1, 2, {a: b}]"), _override, _valid_override),
    Parser("feature tables", (), _feature_table),
)


def _inputs(parser: Parser, rng: np.random.Generator) -> Iterator[str]:
    seeds = parser.seeds
    if parser.name == "jet lines":
        seeds = (_jet_seed(),)
    if parser.name == "feature tables":
        seeds = ((REPOSITORY / "TauAdv/features/tables/deeptau_v2p5_phase2.yaml").read_text()[:3000],)
    while True:
        yield _changed(seeds[int(rng.integers(len(seeds)))], rng)


def generate_inputs(n_inputs: int, seed: int) -> list[Tally]:
    """Try ``n_inputs`` texts on every parser, a part of them good ones whose value is known."""
    return [_try(parser, max(n_inputs // (10 if parser.name == "feature tables" else 1), 20), seed) for parser in PARSERS]


def _try(parser: Parser, n_inputs: int, seed: int) -> Tally:
    tally = Tally(f"generated {parser.name}")
    for batch in range(-(-n_inputs // BATCH)):
        n = min(BATCH, n_inputs - batch * BATCH)
        attempt = call(lambda batch=batch, n=n: _batch(parser, n, [seed, batch]), LIMIT_SECONDS + 0.5 * n)
        if attempt.hung or attempt.status != 0 or "RESULT " not in attempt.text:
            tally.add(
                "hang" if attempt.hung else "traceback", f"{parser.name}: status {attempt.status}: {attempt.text[-600:]}"
            )
            continue
        for fault, example in json.loads(attempt.text.rpartition("RESULT ")[2]):
            tally.add(fault, example)
    return tally


def _batch(parser: Parser, n_inputs: int, seed: list[int]) -> None:
    import warnings

    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + LIMIT_BYTES,) * 2)
    signal.signal(signal.SIGALRM, _too_long)
    rng = np.random.default_rng(seed)
    inputs = _inputs(parser, rng)
    results = []
    for number in range(n_inputs):
        if parser.valid is not None and number % 4 == 0:
            results.append(_one(lambda: parser.valid(rng), "a valid one"))  # type: ignore[misc]
        else:
            text = next(inputs)
            results.append(_one(lambda text=text: parser.read(text), text))
    print("RESULT", json.dumps(results))


def _one(function: Callable[[], Any], text: str) -> tuple[str | None, str]:
    from TauAdv.errors import TauAdvError

    signal.setitimer(signal.ITIMER_REAL, LIMIT_SECONDS)
    try:
        function()
    except TauAdvError as error:
        if text == "a valid one":
            return "wrong", f"refused: {error}"[:400]
        if max(map(len, str(error).splitlines()), default=0) > 2000:
            return "traceback", f"a message of {len(str(error))} characters: {str(error)[:200]}"
    except TooLong:
        return "hang", ascii(text)[:400]
    except Wrong as error:
        return "wrong", ascii(str(error))[:400]
    except BaseException as error:
        return "traceback", f"{type(error).__name__}: {str(error)[:150]} from {ascii(text)[:300]}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None, ""


def _too_long(*_: Any) -> None:
    raise TooLong


def _address_space() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    sys.exit("run bench/reliability.py")
