"""Whether two statements about the contributions of a control region agree, and what outputs carry on of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from TauAdv.domain.contributions.contribution import Contribution, NamedContribution, require_consistent
from TauAdv.errors import InputError
from TauAdv.io.manifests.manifest import manifest_path, read_manifest
from TauAdv.io.manifests.verified import require_described

__all__ = [
    "KEY",
    "SAY_IT",
    "Statement",
    "as_entry",
    "as_record",
    "carried_on",
    "decisive",
    "differences",
    "of_file",
    "of_manifest",
    "require_agreement",
    "resolve",
]

#: Entry of a manifest that holds the contributions.
KEY = "contributions"
#: What to do where nothing says what dataset ids stand for.
SAY_IT = (
    "write control_region: FILE into the configuration (as key=value: control_region=FILE); "
    "control_region=control_region is that of the package"
)
# a colour may be chosen for a plot; everything else says what the rows are
_COMPARED = ("name", "label", "data", "genuine")


@dataclass(frozen=True)
class Statement:
    """What some file says the contributions are.

    Attributes:
        source: that file, in words.
        contributions: in the order of the stack of plots.
    """

    source: str
    contributions: Sequence[NamedContribution]

    @property
    def complete(self) -> list[Contribution] | None:
        """The contributions, if labels, colours and kinds of all are known."""
        found = [entry for entry in self.contributions if isinstance(entry, Contribution)]
        return found if len(found) == len(self.contributions) else None

    def require_complete(self) -> list[Contribution]:
        """Return the contributions with everything that is to be known of them.

        Raises:
            InputError: if something is not.
        """
        if self.complete is None:
            unknown = ", ".join(entry.name for entry in self.contributions if not isinstance(entry, Contribution))
            msg = f"{self.source}: no label and colour for {unknown}, nor whether they are genuine; {SAY_IT}"
            raise InputError(msg)
        return self.complete


def as_record(contributions: Sequence[NamedContribution]) -> list[dict[str, Any]]:
    """Return what a manifest holds of contributions."""
    return [entry.model_dump(mode="json", exclude_none=True) for entry in contributions]


def as_entry(statement: Statement) -> dict[str, Any]:
    """Return the entry of a manifest that carries on a statement."""
    return {KEY: as_record(statement.contributions)}


def decisive(contributions: Sequence[NamedContribution]) -> dict[str, list[str | None]]:
    """Return the settings that decide the meaning of rows: for every dataset id name, label and kind, no colours."""
    ordered = sorted(contributions, key=lambda entry: entry.dataset_id)
    return {f"dataset_id {entry.dataset_id}": [entry.name, entry.label, _kind(entry)] for entry in ordered}


def _kind(entry: NamedContribution) -> str | None:
    if entry.data is None:
        return None
    return "data" if entry.data else "genuine" if entry.genuine else "simulation"


def of_manifest(manifest: Mapping[str, Any], source: str) -> Statement | None:
    """Return what a manifest says; ``None`` if it says nothing.

    Raises:
        InputError: if what it says is damaged.
    """
    found = manifest.get(KEY)
    if found is None:
        return None
    try:
        complete = all({"label", "color"} <= set(entry) for entry in found)
        entries = [(Contribution if complete else NamedContribution).model_validate(entry) for entry in found]
        if complete:
            require_consistent(entries)
    except (TypeError, ValueError, ValidationError) as error:
        msg = f"{source}: its contributions cannot be read ({str(error).splitlines()[0]}); make it again with --overwrite"
        raise InputError(msg) from error
    return Statement(source, entries)


def of_file(path: Path | str) -> Statement | None:
    """Return what the manifest beside a file (in a folder) says of its contributions; ``None`` if it says nothing.

    Raises:
        InputError: if the manifest is damaged, or says something of another file than the one that is there now.
    """
    manifest = read_manifest(path) if manifest_path(path).is_file() else {}
    statement = of_manifest(manifest, str(path))
    if statement is not None:
        require_described(manifest, path)
    return statement


def differences(one: Statement, other: Statement) -> list[str]:
    """Return a line for every dataset id about which two statements differ: what the first says / what the second says."""
    first, second = ({entry.dataset_id: entry for entry in each.contributions} for each in (one, other))
    lines = []
    for number in sorted(first.keys() | second.keys()):
        if number not in first or number not in second:
            which, found = ("first", first) if number in first else ("second", second)
            lines.append(f"dataset_id {number}: '{found[number].name}' in the {which} only")
        elif changes := list(_changes(first[number], second[number])):
            lines.append(f"dataset_id {number}: {', '.join(changes)}")
    return lines


def _changes(one: NamedContribution, other: NamedContribution) -> Iterator[str]:
    for key in _COMPARED:
        first, second = getattr(one, key), getattr(other, key)
        if first is not None and second is not None and first != second:
            yield f"{key} {_shown(first)} / {_shown(second)}"


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"'{value}'"


def require_agreement(statements: Sequence[Statement], suggestion: str = "") -> None:
    """Refuse statements that contradict each other.

    Args:
        statements: each is compared with the first, and with the first that is complete.
        suggestion: what to do about it.

    Raises:
        InputError: names the dataset ids and what differs.
    """
    complete = next((statement for statement in statements if statement.complete is not None), None)
    for first in (*statements[:1], *([] if complete is None else [complete])):
        for other in statements:
            if lines := differences(first, other):
                text = "\n  ".join(lines)
                msg = f"the contributions of {first.source} and of {other.source} differ (first / second):\n  {text}"
                raise InputError(f"{msg}\n{suggestion}" if suggestion else msg)


def resolve(files: Iterable[Path | str], given: Iterable[Statement | None]) -> Statement:
    """Return what taus are made of, by the manifests of their files and by what was given by hand.

    Args:
        files: that hold the taus.
        given: what else is said; the first one decides colours and the order of plots.

    Raises:
        InputError: if nothing says it, two disagree, or a file says nothing and nothing was given.
    """
    files = list(files)
    carried = [of_file(path) for path in files]
    silent = [str(path) for path, statement in zip(files, carried, strict=True) if statement is None]
    by_hand = [statement for statement in given if statement is not None]
    statements = [*by_hand, *(statement for statement in carried if statement is not None)]
    if silent and not by_hand:
        more = f" and {len(silent) - 1} more" if len(silent) > 1 else ""
        msg = f"{silent[0]}{more}: no manifest that says what its dataset ids stand for; {SAY_IT}"
        raise InputError(msg)
    require_agreement(
        statements,
        "Taus of different control regions do not go together; give the one of these taus.",
    )
    return next((statement for statement in statements if statement.complete is not None), statements[0])


def carried_on(files: Iterable[Path | str]) -> dict[str, Any]:
    """Return the entry of the manifest of an output that holds the same taus as its inputs; empty if one says nothing.

    Raises:
        InputError: if the inputs were mixed of different contributions.
    """
    found = [of_file(path) for path in files]
    statements = [statement for statement in found if statement is not None]
    require_agreement(statements, "Taus of different control regions cannot be put into one file.")
    if not statements or len(statements) < len(found):
        return {}
    return as_entry(statements[0])
