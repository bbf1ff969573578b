"""Speed of the skim on whole tuples: all 711 branches, generator match, the documented selection, LZMA 9 output.

Input: the taus of tests/data/sample as LZMA tuples, drawn again and again. Peers: RDataFrame with a compiled match (where
the ``root`` wheel is installed), and what one writes with uproot alone (all branches of a chunk, a mask, uproot's own LZMA).
Each is a process of its own; rates are per CPU second of all its threads. Limit: reading alone.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import awkward as ak
import numpy as np
import root_peers
import uproot
from apart import Job, costs
from production import whole_tuple
from report import Report, options

from TauAdv.production.skim.skim import SkimSettings
from TauAdv.production.skim.skim import skim as skim_taus
from TauAdv.tuples.matching import recompute_tau_type
from TauAdv.tuples.reader import TupleReader
from TauAdv.tuples.schema import counter_name
from TauAdv.tuples.writer import TupleWriter

SELECTION = (
    "tau_byDeepTau2017v2p1VSjetraw>0.90 && tau_pt>30 && std::abs(tau_eta)<2.3 && tau_decayModeFindingNewDMs"
    " && (tau_decayMode==0 || tau_decayMode==1 || tau_decayMode==10 || tau_decayMode==11)"
    " && tau_byDeepTau2017v2p1VSeraw>0.1686942 && tau_byDeepTau2017v2p1VSmuraw>0.8754835 && tau_index>=0"
    " && has_extramuon==0 && has_extraelectron==0 && has_dimuon==0 && mytauType==2"
)
ALL_PASS = "tau_pt>0 && mytauType>=-1"
GOALS = {SELECTION: 2.5, ALL_PASS: 3.0}  # times ROOT


def lzma_tuple(path: Path, entries: int) -> Path:
    """Write the sample as production files are: LZMA, one basket per branch and 5000 taus."""
    plain = whole_tuple(path.with_name("plain_input.root"), entries)
    with TupleWriter(path, compression="lzma") as writer:
        for chunk in TupleReader(plain).iterate(step_size=5000):
            writer.extend(chunk)
    return path


def ours(source: str, output: str, selection: str) -> None:
    settings = SkimSettings(sel=selection, processing_module="recompute_tautype.py:compute")
    skim_taus(source, output, settings, overwrite=True)


def plain(source: str, output: str, selection: str) -> None:
    with uproot.open(source) as file, uproot.recreate(output, compression=uproot.LZMA(9)) as target:
        names = [name for name in file["taus"].keys() if not name.startswith("n_")]  # noqa: SIM118 (a tree, not a dictionary)
        for taus in file["taus"].iterate(names, step_size=20_000, library="ak"):
            label = recompute_tau_type(taus)
            taus["mytauType"] = label
            passed = taus[plain_mask(taus, label) if selection == SELECTION else np.ones(len(taus), np.bool_)]
            content = {name: ak.to_packed(passed[name]) for name in passed.fields}
            if "taus" not in target:
                target.mktree("taus", {name: v.type.content for name, v in content.items()}, counter_name=counter_name)
            target["taus"].extend(content)


def plain_mask(taus: ak.Array, label: np.ndarray) -> ak.Array:
    wide = {name: ak.values_astype(taus[name], np.float64) for name in taus.fields if name.startswith("tau_by")}
    mode = taus["tau_decayMode"]
    return (
        (wide["tau_byDeepTau2017v2p1VSjetraw"] > 0.90)
        & (taus["tau_pt"] > 30)
        & (abs(ak.values_astype(taus["tau_eta"], np.float64)) < 2.3)
        & (taus["tau_decayModeFindingNewDMs"] != 0)
        & ((mode == 0) | (mode == 1) | (mode == 10) | (mode == 11))
        & (wide["tau_byDeepTau2017v2p1VSeraw"] > 0.1686942)
        & (wide["tau_byDeepTau2017v2p1VSmuraw"] > 0.8754835)
        & (taus["tau_index"] >= 0)
        & (taus["has_extramuon"] == 0)
        & (taus["has_extraelectron"] == 0)
        & (taus["has_dimuon"] == 0)
        & (label == 2)
    )


def only_read(source: str) -> None:
    for _ in TupleReader(source).iterate():
        pass


def skim_rows(report: Report, what: str, source: Path, selection: str, entries: int, repetitions: int) -> None:
    """Add a row per peer; all must write the same number of taus."""
    functions = {"ours": "skim:ours", "uproot": "skim:plain"} | ({"ROOT": "root_peers:skim"} if root_peers.INSTALLED else {})
    outputs = {name: source.with_name(f"{name}.root") for name in functions}
    jobs = {name: Job(function, (str(source), str(outputs[name]), selection)) for name, function in functions.items()}
    found = costs(jobs | {"read": Job("skim:only_read", (str(source),))}, repetitions)
    written = {name: TupleReader(path).num_entries for name, path in outputs.items()}
    if len(set(written.values())) != 1:
        raise SystemExit(f"{what}: not the same taus are written: {written}")
    bytes_per_tau = ", ".join(f"{name} {path.stat().st_size / written[name]:.0f}" for name, path in outputs.items())
    for peer in (name for name in ("ROOT", "uproot") if name in functions):
        report.race(
            f"skim, {what}: {written[peer]} of {entries} taus (B/tau out: {bytes_per_tau})",
            found["ours"],
            found[peer],
            number=entries,
            peer_name=peer,
            goal=f">= {GOALS[selection]}" if peer == "ROOT" else "-",
            limit=found["read"],
        )


def main() -> None:
    chosen = options(__doc__.splitlines()[0])
    entries, repetitions = (10_000, 1) if chosen.quick else (20_000, 3)
    report = Report("Skim")
    with tempfile.TemporaryDirectory() as folder:
        source = lzma_tuple(Path(folder) / "input.root", entries)
        skim_rows(report, "documented selection", source, SELECTION, entries, repetitions)
        skim_rows(report, "all pass", source, ALL_PASS, entries, repetitions)
    report.finish(chosen.json)


if __name__ == "__main__":
    main()
