"""Prepare jets as one step: a folder of extracted jets in, sets of shards for training, validation and test out.

The jets are read twice, a block at a time: first for what defaults, scalers and sample weights need to know, then to be
cleaned, scaled and dealt to the sets. Memory does not depend on their number.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from TauAdv.domain.classes import JET_DOMAINS
from TauAdv.errors import InputError, InputWarning
from TauAdv.io.checksums import content_checksum, describe_file
from TauAdv.io.locks import output_lock
from TauAdv.io.manifests.manifest import (
    as_json,
    describe_input,
    finished,
    manifest_path,
    write_manifest,
)
from TauAdv.io.records import read_note, write_record
from TauAdv.io.resumable import resumable_folder
from TauAdv.jets.defaults import computed_defaults, fixed_defaults, published_defaults
from TauAdv.jets.features import JetFeatures, column_positions
from TauAdv.jets.parts import ExtractedJets
from TauAdv.jets.scalers import Scalers
from TauAdv.jets.splitting import SETS, pulls
from TauAdv.shards.files import PART_FILES
from TauAdv.shards.jet.from_extracted import JetMaker, rows_of_set
from TauAdv.shards.jet.packing import JetLayout
from TauAdv.shards.jet.prepared import STEP, read_features
from TauAdv.shards.jet.settings import JetPreparationSettings
from TauAdv.shards.jet.survey import JetBlock, JetSource, Survey
from TauAdv.shards.repeated import RepeatedJets
from TauAdv.shards.shuffle import Dealer, describe_parts, require_rows
from TauAdv.shards.store import STEP as SHARDS_STEP
from TauAdv.shards.store import part_readers
from TauAdv.tuples.files.same_files import same_files

__all__ = ["STEP", "prepare_jets", "read_features"]


_SURVEY = "survey.npz"
_PART_JETS = 65_536
_PULL = 3
#: Patterns of all names that are written into the folder.
_OWN_FILES = (
    *(_SURVEY, "file-[0-9]*.json", "manifest.json"),
    *(f"{name}/{pattern}" for name in SETS for pattern in (*PART_FILES, "manifest.json")),
)


def prepare_jets(
    inputs: Sequence[Path | str], output: Path | str, settings: JetPreparationSettings, *, overwrite: bool = False
) -> dict[str, Any]:
    """Write sets of shards (``train``, ``val``, ``test`` in the output folder; open them with ``ShardSet.open``).

    Does nothing if they were made before from the same inputs with the same settings; continues where a killed run stopped.

    Args:
        inputs: folders of extracted jets; for an adversarial set two: nominal, then shifted.
        output: folder of the sets.
        settings: what to take, and how.
        overwrite: replace an output made otherwise.

    Returns:
        The manifest of the output: counts per set, fractions of every flavour and by how many binomial standard deviations
        they are off, features.

    Raises:
        InputError: an input that is not extracted jets or has another table of variables, too few jets or tracks, a class
            without jets in a set.
        OutputExistsError: if the output was made with other settings or inputs, or is damaged.
        OutputLockedError: if another process is writing it.
    """
    sources = _open(inputs, settings)
    table = sources[0].extracted.table
    wanted = settings.model_dump(mode="json") | {"table_digest": table.digest}
    described = [entry for source in sources for entry in source.extracted.identity()]
    described += [describe_input(path) for path in settings.input_paths().values()]
    made = as_json({"step": STEP, "settings": wanted, "inputs": described})
    with output_lock(output):
        manifest = finished(output, **made, overwrite=overwrite, checked=True, folder=True)
        if manifest is not None:
            return manifest
        with resumable_folder(output, made, own=_OWN_FILES, overwrite=overwrite) as folder:
            preparation = _Preparation(sources, settings, folder, content_checksum(made))
            found = preparation.survey()
            preparation.require_all_labels(found)
            features = preparation.features(found)
            preparation.write_pieces(features, found)
            return preparation.finish(features, found, made)


def _open(inputs: Sequence[Path | str], settings: JetPreparationSettings) -> list[JetSource]:
    if settings.kind == "adversarial" and len(inputs) != len(JET_DOMAINS):
        msg = f"an adversarial set is made of two inputs, jets of the nominal and of the shifted detector, not {len(inputs)}"
        raise InputError(msg)
    if not inputs:
        msg = "no input: give a folder of extracted jets"
        raise InputError(msg)
    sources = [JetSource(ExtractedJets.open(path), number, settings) for number, path in enumerate(inputs)]
    if not settings.allow_duplicates and (twice := same_files([Path(path) for path in inputs])):
        raise InputError("\n".join(twice))
    first = sources[0].extracted
    for source in sources[1:]:
        if source.extracted.table.digest != first.table.digest:
            msg = (
                f"{source.extracted.folder}: extracted with another table of variables than {first.folder}; extract it again"
            )
            raise InputError(msg)
    given = None if settings.scalers_from is None else read_features(settings.scalers_from).n_tracks
    columns = first.table.inputs(given or settings.n_tracks)
    for source in sources:
        column_positions(source.extracted, columns)
    return sources


@dataclass(frozen=True)
class _Preparation:
    sources: list[JetSource]
    settings: JetPreparationSettings
    folder: Path
    set_id: str

    @property
    def labels(self) -> tuple[str, ...]:
        if self.settings.kind == "adversarial":
            return JET_DOMAINS
        return tuple(self.sources[0].extracted.table.class_names)

    @property
    def n_tracks(self) -> int:
        return self.settings.n_tracks or self.sources[0].extracted.table.input_tracks

    def _blocks(self, title: str) -> Iterator[Iterator[JetBlock]]:
        """Yield the blocks of one file after the other, with progress."""
        total = sum(map(len, self.sources))
        with tqdm(total=total, desc=title, unit=" jets", unit_scale=True, mininterval=1) as progress:

            def counted(blocks: Iterator[JetBlock]) -> Iterator[JetBlock]:
                for block in blocks:
                    yield block
                    progress.update(len(block))

            for source in self.sources:
                for blocks in source.pieces():
                    yield counted(blocks)

    def survey(self) -> Survey:
        """Return what the first pass finds; a run that was killed later finds it stored."""
        path = self.folder / _SURVEY
        found = Survey.load(path, self.settings, self.set_id)
        if found is None:
            found = self._survey()
            found.save(path, self.set_id)
        expected = sum(map(len, self.sources))
        if found.counts.sum() != expected:
            folders = ", ".join(str(source.extracted.folder) for source in self.sources)
            msg = f"{folders}: {expected} jets are listed, {found.counts.sum()} were found; extract the jets again"
            raise InputError(msg)
        return found

    def _survey(self) -> Survey:
        columns = () if self.settings.scalers_from else self.sources[0].extracted.table.inputs(self.n_tracks)
        default = published_defaults(columns) if self.settings.defaults == "published" else fixed_defaults(columns)
        found, repeated = None, self._repeated
        for blocks in self._blocks("first pass"):
            for block in blocks:
                repeated.add(block.ids, block.source if self.settings.kind == "adversarial" else 0)
                positions = column_positions(block.jets, columns)
                one = Survey.of(block, self.settings, positions, default, len(self.labels))
                found = one if found is None else found + one
        if found is None:
            msg = f"{self.sources[0].extracted.folder}: no jets"
            raise InputError(msg)
        return replace(found, repeated=repeated.count())

    @property
    def _repeated(self) -> RepeatedJets:
        return RepeatedJets(sum(map(len, self.sources)))

    def require_all_labels(self, found: Survey) -> None:
        """Refuse sets without jets of a class; warn where a fraction is off, and of jets that are there twice."""
        folders = ", ".join(str(source.extracted.folder) for source in self.sources)
        for number, name in enumerate(SETS):
            absent = [label for label, count in zip(self.labels, found.counts[:, number], strict=True) if count == 0]
            if absent and name in self.settings.sets:
                msg = (
                    f"{folders}: no {' and no '.join(absent)} jets in the set '{name}' (fraction "
                    f"{self.settings.fractions[name]:g} of {found.counts.sum()} jets); give more jets, other fractions or "
                    "another seed"
                )
                raise InputError(msg)
        off = np.argwhere(abs(pulls(found.counts, self.settings.expected_fractions)) > _PULL)
        if len(off):
            shown = ", ".join(f"{self.labels[label]} in {SETS[number]}" for label, number in off)
            msg = f"fractions of the sets are off by more than {_PULL} standard deviations: {shown}; are jets repeated?"
            warnings.warn(msg, InputWarning, stacklevel=4)
        self._repeated.warn(found.repeated, folders)

    def features(self, found: Survey) -> JetFeatures:
        """Return the features: given, published or computed."""
        table = self.sources[0].extracted.table
        if self.settings.scalers_from is not None:
            features = read_features(self.settings.scalers_from)
            if self.settings.n_tracks not in (None, features.n_tracks) or features.table.digest != table.digest:
                msg = (
                    f"{self.settings.scalers_from}: features of {features.n_tracks} tracks of the table '{features.name}'; "
                    f"expected {self.settings.n_tracks or features.n_tracks} tracks of the table of the extracted jets"
                )
                raise InputError(msg)
            return features
        columns = table.inputs(self.n_tracks)
        published = self.settings.defaults == "published"
        default = published_defaults(columns) if published else computed_defaults(columns, found.moments.minimum)
        scalers = Scalers.published(columns) if self.settings.scalers == "published" else Scalers.fitted(found.moments)
        return JetFeatures.of(table, self.n_tracks, default, scalers, defaults_to_zero=self.settings.defaults_to_zero)

    def _dealers(self, features: JetFeatures, found: Survey) -> dict[int, Dealer]:
        dealers = {}
        for number, name in enumerate(SETS):
            if name in self.settings.sets:
                parts = max(1, round(found.counts[:, number].sum() / _PART_JETS))
                (self.folder / name).mkdir(exist_ok=True)
                options = (self.settings.seed, True, self.settings.chunk_size, self.settings.compression_level)
                set_id = content_checksum({"preparation": self.set_id, "set": name})
                dealers[number] = Dealer(self.folder / name, JetLayout.of(features), parts, *options, set_id)
        return dealers

    def write_pieces(self, features: JetFeatures, found: Survey) -> None:
        """Clean, scale and deal the jets: the second pass. A note says of every file of the input how many jets it gave."""
        maker = JetMaker(features, None if self.settings.weighting == "noweighting" else found.spectra)
        dealers = self._dealers(features, found)
        pieces = 0
        for file, blocks in enumerate(self._blocks("second pass")):
            jets = self._jets_dealt(file, pieces, dealers)
            if jets is None:
                made = maker(blocks)
                jets = sum(len(packed) for packed, _, _ in made)
                for number, dealer in dealers.items() if jets else ():
                    dealer.write_piece(pieces, *rows_of_set(made, number, dealer.layout))
                write_record(self._note(file), {"owner": self.set_id, "piece": pieces, "jets": jets})
            pieces += jets > 0

    def _note(self, file: int | str) -> Path:
        return self.folder / f"file-{file if isinstance(file, str) else format(file, '05d')}.json"

    def _jets_dealt(self, file: int, piece: int, dealers: Mapping[int, Dealer]) -> int | None:
        """Return how many jets of a file an earlier run dealt, if they are all still there."""
        note = read_note(self._note(file), self.set_id)
        if note is None or note["piece"] != piece:
            return None
        jets = int(note["jets"])
        whole = jets == 0 or all(dealer.piece(piece) is not None for dealer in dealers.values())
        return jets if whole else None

    def finish(self, features: JetFeatures, found: Survey, made: dict[str, Any]) -> dict[str, Any]:
        """Shuffle the sets, and write the manifests."""
        notes = list(self.folder.glob(self._note("*").name))
        pieces = sum(note is not None and note["jets"] > 0 for note in (read_note(path, self.set_id) for path in notes))
        dealers = self._dealers(features, found)
        common: dict[str, Any] = {
            "inputs": made["inputs"],
            "seed": self.settings.seed,
            "feature_table": {"name": features.name, "digest": features.digest, "text": features.dump()},
        }
        sets: dict[str, Any] = {}
        files: dict[str, Any] = {}
        for number, dealer in dealers.items():
            counts, of_set = self._write_set(dealer, pieces, made["settings"], common, found.counts[:, number])
            sets[SETS[number]] = counts
            files |= {f"{SETS[number]}/{name}": entry for name, entry in of_set.items()}
        more: dict[str, Any] = {"sets": sets, "absent_fraction": self._absent(features, found), "files": files}
        counts = self._counts(found)
        manifest = write_manifest(self.folder, step=STEP, settings=made["settings"], counts=counts, **common, **more)
        for dealer in dealers.values():
            dealer.remove_pieces()
        for path in (*notes, self.folder / _SURVEY):
            path.unlink()
        return manifest

    def _write_set(
        self, dealer: Dealer, pieces: int, wanted: dict[str, Any], common: dict[str, Any], expected: NDArray[np.int64]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Write the parts and the manifest of a set of so many jets of each label; return its counts and files."""
        name = dealer.folder.name
        limits = [np.iinfo(np.int64).max] * pieces
        made = tqdm(range(dealer.num_parts), desc=f"writing {name}", unit=" part", mininterval=1)
        parts = [part for part in (dealer.write_part(number, limits) for number in made) if part["chunks"]]
        require_rows(dealer.folder, parts, int(expected.sum()), "jets")
        more: dict[str, Any] = {"rows": "jets", "kind": self.settings.kind, **describe_parts(parts, dealer.set_id)}
        counts = _summary(dealer, more, self.labels)
        if counts["by_group"] != dict(zip(self.labels, expected.tolist(), strict=True)):
            msg = f"{dealer.folder}: {expected.tolist()} jets of {self.labels} went in, {counts['by_group']} came out"
            raise InputError(msg)
        settings = wanted | {"set": name, "contributions": dict(enumerate(self._contributions()))}
        write_manifest(dealer.folder, step=SHARDS_STEP, settings=settings, counts=counts, **common, **more)
        own = {manifest_path(dealer.folder).name: describe_file(manifest_path(dealer.folder))}
        return counts, {**more["files"], **own}

    def _contributions(self) -> Sequence[str]:
        if self.settings.kind == "adversarial":
            return JET_DOMAINS
        return [source.extracted.folder.name for source in self.sources]

    def _counts(self, found: Survey) -> dict[str, Any]:
        fractions = found.counts / np.maximum(found.counts.sum(axis=1, keepdims=True), 1)
        off = pulls(found.counts, self.settings.expected_fractions)

        def table(values: NDArray) -> dict[str, dict[str, Any]]:
            return {
                label: dict(zip(SETS, row.tolist(), strict=True)) for label, row in zip(self.labels, values, strict=True)
            }

        return {
            "jets": int(found.counts.sum()),
            "repeated": found.repeated,
            "by_label": table(found.counts),
            "fractions": table(fractions.round(5)),
            "standard_deviations_off": table(off.round(2)),
            "training_jets_outside_of_weight_bins": found.outside,
        }

    def _absent(self, features: JetFeatures, found: Survey) -> dict[str, float]:
        """Return the fraction of training jets with a default, per feature."""
        training = found.counts[:, 0].sum()
        if len(found.moments.count) == 0 or training == 0:
            return {}
        present = found.moments.count / training
        return {name: round(1 - float(share), 6) for name, share in zip(features.names, present, strict=True)}


def _summary(dealer: Dealer, manifest: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    """Return jets and sums of weights of a set, by label."""
    jets, weights = np.zeros(len(labels), np.int64), np.zeros(len(labels))
    for reader in part_readers(dealer.folder, manifest, dealer.layout):
        columns = reader.all_columns(["label", "weight"])
        jets += np.bincount(columns["label"], minlength=len(labels))
        weights += np.bincount(columns["label"], columns["weight"], minlength=len(labels))
    return {
        "jets": int(jets.sum()),
        "by_group": dict(zip(labels, jets.tolist(), strict=True)),
        "sum_of_weights": dict(zip(labels, weights.tolist(), strict=True)),
    }
