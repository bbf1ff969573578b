"""The extraction as one step: ``dataset.json.gz`` of any size in, a folder of Arrow files with the needed columns out."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field
from tqdm import tqdm

from TauAdv.config import Settings
from TauAdv.errors import InputError, InputWarning
from TauAdv.io.atomic import new_file
from TauAdv.io.checksums import content_checksum, describe_file
from TauAdv.io.locks import output_lock
from TauAdv.io.manifests.manifest import as_json, describe_input, finished, write_manifest
from TauAdv.io.records import read_note, write_record
from TauAdv.io.resumable import resumable_folder
from TauAdv.io.verified_files import VerifiedFile, stamp
from TauAdv.jets.columns import Jets, arrange
from TauAdv.jets.parts import STEP, PartWriter
from TauAdv.jets.reading.faults import LineFault
from TauAdv.jets.reading.lines import LineReader
from TauAdv.jets.reading.parsing import parse_lines
from TauAdv.jets.schema import TARGET, JetTable

__all__ = ["ExtractionSettings", "extract_jets"]

#: Lines parsed at a time (about 5 MB of text), and jets in a record batch.
_BLOCK = 4000
_FAULTS_SHOWN = 20
#: Patterns of all names that are written into the folder.
_OWN_FILES = ("jets-[0-9]*.arrow", "jets-[0-9]*.json", "manifest.json")


class ExtractionSettings(Settings):
    """Everything that decides the content of extracted jets."""

    n_tracks: int = Field(default=6, ge=1, description="tracks kept of each jet, the most displaced first")
    part_lines: int = Field(default=100_000, ge=1, description="lines of the input per file, the grain of resuming")
    on_bad_line: Literal["raise", "skip"] = Field(
        default="raise", description="stop at a line that is not a jet, or leave it out and count it"
    )


def extract_jets(
    dataset: Path | str,
    output: Path | str,
    settings: ExtractionSettings,
    *,
    table: JetTable | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write the jets of a dataset file to Arrow files in a folder, in one pass over the file.

    A killed run is continued: parts that it finished are passed over (their lines are inflated again, not parsed). Memory
    does not depend on the size of the file.

    Args:
        dataset: ``.json.gz`` (or plain) file of one jet a line.
        output: folder of the parts and the manifest; read it with :class:`TauAdv.jets.parts.ExtractedJets`.
        settings: which columns, and what to do with lines that are no jets.
        table: of jet variables; default: the library's.
        overwrite: replace jets made with other settings or of another file.

    Returns:
        The manifest: jets and flavours, lines and kinds of the faults, how the file was truncated, parts.

    Raises:
        InputError: a line that is not a jet (with its number and what is wrong), unless they are skipped; damaged
            compressed data; a file without jets.
        ConfigError: more tracks than the table has.
        OutputExistsError: if the output exists with other settings or input, or is damaged, and ``overwrite`` is false.
        OutputLockedError: if another process is writing it.
    """
    table = JetTable.load() if table is None else table
    table.columns(settings.n_tracks)  # raises if there are not so many
    wanted = settings.model_dump() | {"table_digest": table.digest}
    made = as_json({"step": STEP, "settings": wanted, "inputs": [describe_input(dataset)]})
    with output_lock(output):
        manifest = finished(output, **made, overwrite=overwrite, checked=True, folder=True)
        if manifest is not None:
            return manifest
        with resumable_folder(output, made, own=_OWN_FILES, overwrite=overwrite) as folder, LineReader(dataset) as reader:
            extraction = _Extraction(reader, folder, settings, table, content_checksum(made))
            parts = extraction.write_parts()
            manifest = write_manifest(folder, **made, **_description(parts, extraction))
            for part in parts:
                _note(folder / part["file"]).unlink()
    _warn(manifest, dataset)
    return manifest


def _description(parts: list[dict[str, Any]], extraction: _Extraction) -> dict[str, Any]:
    """Return the entries of the manifest, after a look at the sums.

    Raises:
        InputError: if there are no jets, or not every line is a jet or was left out.
    """
    counts, reader = _totals(parts), extraction.reader
    if counts["jets"] == 0:
        raise InputError(_no_jets(reader, counts))
    if counts["lines"] != reader.line_number or counts["lines"] != counts["jets"] + sum(counts["left_out"].values()):
        msg = (
            f"{reader.path}: {reader.line_number} lines went in, and {counts} came out; nothing was kept; please report this"
        )
        raise InputError(msg)
    return {
        "counts": counts,
        "faults": [fault for part in parts for fault in part["faults"]][:_FAULTS_SHOWN],
        "truncated": None if reader.truncated is None else {"bytes_behind_last_line": reader.truncated},
        "parts": [{name: part[name] for name in ("file", "first_line", "lines", "jets")} for part in parts],
        "files": {part["file"]: part["description"] for part in parts},
        "set_id": extraction.set_id,
        "table": extraction.table.dump(),
    }


def _no_jets(reader: LineReader, counts: dict[str, Any]) -> str:
    lines = f"{reader.line_number} lines"
    if counts["left_out"]:
        lines += f", all left out ({', '.join(f'{kind} {number}' for kind, number in counts['left_out'].items())})"
    if reader.truncated is not None:
        return (
            f"{reader.path}: ends in the middle of its data, {reader.truncated} bytes of text behind {lines}: no jets; "
            "fetch the file again"
        )
    return f"{reader.path}: no jets in {lines}; expected a .json.gz file of one jet a line"


def _note(part: Path) -> Path:
    return part.with_suffix(".json")


@dataclass(frozen=True)
class _Extraction:
    """Writes the parts; beside each lies, until all are written, a note that says that it is whole, and what is in it."""

    reader: LineReader
    folder: Path
    settings: ExtractionSettings
    table: JetTable
    set_id: str

    def write_parts(self) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        with tqdm(total=self.reader.size, unit="B", unit_scale=True, desc="extract jets", mininterval=1) as progress:
            while True:
                path = self.folder / f"jets-{len(parts):05d}.arrow"
                part = self._finished(path)
                if part is None:
                    part = self._write_part(path, progress)
                else:
                    self.reader.skip(self.settings.part_lines)
                progress.update(self.reader.bytes_read - progress.n)
                if part["lines"]:
                    parts.append(part)
                if part["lines"] < self.settings.part_lines:
                    return parts

    def _finished(self, path: Path) -> dict[str, Any] | None:
        """Return the note of a part that an earlier run finished, if it is still whole."""
        part = read_note(_note(path), self.set_id)
        if part is None:
            return None
        try:
            VerifiedFile(path, part["description"], remedy="").content()
        except InputError:
            return None
        return part

    def _write_part(self, path: Path, progress: tqdm) -> dict[str, Any]:
        """Write the next ``part_lines`` lines, then the note."""
        reader, first = self.reader, self.reader.line_number
        flavours: Counter[int] = Counter()
        faults: list[LineFault] = []
        columns = self.table.columns(self.settings.n_tracks)
        with new_file(path) as temporary:
            with PartWriter(temporary, columns, stamp(self.set_id, path.name)) as writer:
                while lines := reader.read(min(_BLOCK, first + self.settings.part_lines - reader.line_number)):
                    jets, found = _read_block(lines, reader, self.settings, self.table)
                    writer.write(jets)
                    faults += found
                    flavours.update(_count(jets))
                    progress.update(reader.bytes_read - progress.n)
            description = describe_file(temporary)
        part = {
            "owner": self.set_id,
            "file": path.name,
            "description": description,
            "first_line": first + 1,
            "lines": reader.line_number - first,
            "jets": sum(flavours.values()),
            "flavours": flavours,
            "fault_kinds": Counter(fault.kind for fault in faults),
            "faults": [asdict(fault) for fault in faults[:_FAULTS_SHOWN]],
        }
        if part["lines"] == 0:
            path.unlink()
            return part
        return write_record(_note(path), part)


def _read_block(
    lines: list[bytes], reader: LineReader, settings: ExtractionSettings, table: JetTable
) -> tuple[Jets, tuple[LineFault, ...]]:
    raw = parse_lines(lines, reader.line_number - len(lines) + 1, table)
    if raw.faults and settings.on_bad_line == "raise":
        fault = raw.faults[0]
        msg = f"{reader.path}: line {fault.line}: {fault.text}; on_bad_line=skip leaves such lines out and counts them"
        raise InputError(msg)
    return arrange(raw, table, settings.n_tracks), raw.faults


def _count(jets: Jets) -> dict[int, int]:
    flavours, numbers = np.unique(jets.values[:, TARGET], return_counts=True)
    return {int(flavour): int(number) for flavour, number in zip(flavours, numbers, strict=True)}


def _totals(parts: list[dict[str, Any]]) -> dict[str, Any]:
    flavours: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    for part in parts:
        flavours.update({str(flavour): number for flavour, number in part["flavours"].items()})
        faults.update(part["fault_kinds"])
    return {
        "lines": sum(part["lines"] for part in parts),
        "jets": sum(part["jets"] for part in parts),
        "flavours": flavours,
        "left_out": faults,
    }


def _warn(manifest: dict[str, Any], dataset: Path | str) -> None:
    lines = manifest["counts"]["lines"]
    if manifest["truncated"] is not None:
        lost = manifest["truncated"]["bytes_behind_last_line"]
        msg = (
            f"{dataset}: ends in the middle of its data: {lines} complete lines kept, {lost} bytes of a further one left out"
        )
        warnings.warn(msg, InputWarning, stacklevel=3)
    if left_out := manifest["counts"]["left_out"]:
        kinds = ", ".join(f"{kind} {number}" for kind, number in left_out.items())
        first = manifest["faults"][0]
        shown = f"{sum(left_out.values())} of {lines} lines left out ({kinds}); first: line {first['line']}"
        msg = f"{dataset}: {shown}: {first['text']}"
        warnings.warn(msg, InputWarning, stacklevel=3)
