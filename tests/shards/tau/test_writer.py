import json

import numpy as np
import pytest
from shard_tuples import DATA, JET, MU, NOTHING, TABLE, TAU, E, tuple_arrays, write_tuple

from TauAdv.errors import InputError, InputWarning, OutputExistsError, OutputLockedError
from TauAdv.features.extract import extract
from TauAdv.io.locks import output_lock
from TauAdv.shards import repeated
from TauAdv.shards.shuffle import Dealer
from TauAdv.shards.store import ShardSet
from TauAdv.shards.tau import writer
from TauAdv.shards.tau.settings import ShardSettings
from TauAdv.shards.tau.writer import write_shards
from TauAdv.tuples.histograms import write_histograms
from TauAdv.tuples.reader import read
from TauAdv.tuples.writer import TupleWriter

pytestmark = pytest.mark.slow


def contents(folder):
    """Bytes of every file but the manifest, and the manifest without the time it was made."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "manifest.json"}
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["created"], manifest["checksum"]
    return files, manifest


@pytest.fixture
def small_pieces(monkeypatch):
    """Let a small input make several pieces and parts."""
    monkeypatch.setattr(writer, "_PIECE_ENTRIES", 70)
    monkeypatch.setattr(writer, "_STEP_ENTRIES", 32)
    monkeypatch.setattr(writer, "_PART_TAUS", 60)


def test_every_tau_once_with_its_features(class_folder, class_file, table):
    shards = ShardSet.open(class_folder)
    taus, columns = shards.take(np.arange(shards.num_taus))
    arrays = read(class_file)
    chosen = (np.asarray(arrays["genLepton_index"]) >= 0) | (np.asarray(arrays["genJet_index"]) >= 0)
    np.testing.assert_array_equal(np.sort(columns["evt"]), np.flatnonzero(chosen))
    expected = extract(arrays[columns["evt"].astype(int)], table)
    np.testing.assert_array_equal(taus.tau, expected.tau)
    for grid, block in expected.cells.items():
        np.testing.assert_array_equal(taus.cells[grid].index, block.index)
        np.testing.assert_array_equal(taus.cells[grid].values, block.values)
    for name in ("run", "lumi", "dataset_id", "tau_pt", "tau_eta", "tau_decayMode"):
        np.testing.assert_array_equal(columns[name], np.asarray(arrays[name])[columns["evt"].astype(int)])
    np.testing.assert_array_equal(columns["y"].argmax(axis=1), columns["label"])
    np.testing.assert_array_equal(columns["tauType"], columns["label"])


def test_taus_are_shuffled_by_seed(class_file, class_settings, class_folder, tmp_path):
    order = ShardSet.open(class_folder).columns(["evt"])["evt"]
    assert (np.diff(order.astype(int)) < 0).mean() > 0.3
    write_shards(class_file, tmp_path / "other", class_settings.model_copy(update={"seed": 6}))
    assert not np.array_equal(ShardSet.open(tmp_path / "other").columns(["evt"])["evt"], order)
    write_shards(class_file, tmp_path / "stored", class_settings.model_copy(update={"shuffle": False}))
    np.testing.assert_array_equal(ShardSet.open(tmp_path / "stored").columns(["evt"])["evt"], np.sort(order))


def test_pieces_and_parts_of_several_files(class_file, adv_file, class_settings, tmp_path, small_pieces):
    inputs = [class_file, adv_file]
    for shuffle in (True, False):
        manifest = write_shards(inputs, tmp_path / str(shuffle), class_settings.model_copy(update={"shuffle": shuffle}))
        assert len(manifest["parts"]) > 3
        assert all(size <= 16 for part in manifest["parts"] for size in part["chunks"])
    shuffled, stored = (ShardSet.open(tmp_path / str(shuffle)).columns(["evt", "tau_pt"]) for shuffle in (True, False))
    assert sorted(shuffled["tau_pt"]) == sorted(stored["tau_pt"])
    expected = [np.asarray(read(path)["evt"]) for path in inputs]
    ends = np.flatnonzero(np.diff(stored["evt"].astype(int)) < 0)
    assert len(ends) == 1  # rising within each file, in the order of the files
    assert stored["evt"][: ends[0] + 1].max() <= expected[0].max()


def test_workers_do_not_change_a_byte(class_file, class_settings, tmp_path):
    folders = []
    for n_workers in (1, 2):
        folders.append(tmp_path / str(n_workers))
        write_shards([class_file] * 1, folders[-1], class_settings, n_workers=n_workers)
    assert contents(folders[0]) == contents(folders[1])


def test_killed_run_goes_on_to_the_same_bytes(class_file, class_settings, tmp_path, small_pieces, monkeypatch):
    write_shards(class_file, tmp_path / "whole", class_settings)
    made = {"_make_piece": [], "_write": []}
    for owner, stage, allowed in ((writer, "_make_piece", 2), (Dealer, "_write", 1)):
        work = getattr(owner, stage)

        def killed(*arguments, work=work, stage=stage, allowed=allowed, **options):
            if len(made[stage]) == allowed:
                raise KeyboardInterrupt
            made[stage].append(arguments[1])
            return work(*arguments, **options)

        monkeypatch.setattr(owner, stage, killed)
        with pytest.raises(KeyboardInterrupt):
            write_shards(class_file, tmp_path / "killed", class_settings)
        assert not (tmp_path / "killed").exists()
        monkeypatch.setattr(owner, stage, work)
    (tmp_path / ".killed.unfinished" / f".features-piece-00009.{'0' * 32}.tmp.arrow").write_text("half")
    again = []
    piece, part = Dealer.write_piece, Dealer._write
    monkeypatch.setattr(
        Dealer,
        "write_piece",
        lambda self, number, *rest, **noted: (again.append(number), piece(self, number, *rest, **noted)),
    )
    monkeypatch.setattr(Dealer, "_write", lambda self, name, *rest: (again.append(name), part(self, name, *rest))[1])
    write_shards(class_file, tmp_path / "killed", class_settings)
    assert not set(again) & {*made["_make_piece"], *made["_write"]}  # what was finished is not made again
    assert again
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed", "whole"]


def flip(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("stop", ["after pieces", "after parts"])
@pytest.mark.parametrize("damage", ["flipped", "empty", "missing"])
def test_unfinished_work_that_is_damaged_is_made_again(
    class_file, class_settings, class_folder, tmp_path, small_pieces, monkeypatch, stop, damage
):
    """What a full disk or a crash of the computer leaves of pieces, parts and their notes is never taken for whole."""
    write_shards(class_file, tmp_path / "whole", class_settings)

    def killed(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(*((Dealer, "_write", killed) if stop == "after pieces" else (writer, "summarise", killed)))
        write_shards(class_file, tmp_path / "out", class_settings)
    unfinished = tmp_path / ".out.unfinished"
    chosen = [path for kind in ("features-*", "taus-*", "*-*.json") for path in sorted(unfinished.glob(kind))[::3]]
    assert len(chosen) > 5
    for path in chosen:
        if damage == "flipped":
            flip(path, path.stat().st_size // 2)
        elif damage == "empty":
            path.write_bytes(b"")
        else:
            path.unlink()
    write_shards(class_file, tmp_path / "out", class_settings)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_rows_that_are_lost_are_an_error(class_file, class_settings, tmp_path, small_pieces, monkeypatch):
    collect = Dealer._collect

    def losing(self, number, limits):
        packed, columns = collect(self, number, limits)
        rows = np.arange(len(packed) - (number == 1))
        return packed.take(rows), {name: values[rows] for name, values in columns.items()}

    monkeypatch.setattr(Dealer, "_collect", losing)
    with pytest.raises(InputError, match=r"(\d+) taus went in and (\d+) came out"):
        write_shards(class_file, tmp_path / "out", class_settings)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_set_is_not_kept(class_file, class_settings, tmp_path):
    write_shards(class_file, tmp_path / "out", class_settings)
    expected = contents(tmp_path / "out")
    flip(tmp_path / "out" / "taus-00000.arrow", 500)
    with pytest.raises(OutputExistsError, match=r"taus-00000\.arrow: is damaged: .*--overwrite makes it again"):
        write_shards(class_file, tmp_path / "out", class_settings)
    write_shards(class_file, tmp_path / "out", class_settings, overwrite=True)
    assert contents(tmp_path / "out") == expected


def test_a_set_of_an_earlier_version_is_not_kept(class_file, class_settings, tmp_path):
    write_shards(class_file, tmp_path / "out", class_settings)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    del manifest["checksum"], manifest["files"]
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(OutputExistsError, match="made by an earlier version of TauAdv, without checksums; --overwrite"):
        write_shards(class_file, tmp_path / "out", class_settings)


def test_only_one_process_writes_a_set(class_file, class_settings, tmp_path):
    with output_lock(tmp_path / "out"), pytest.raises(OutputLockedError, match="out: is being written by process"):
        write_shards(class_file, tmp_path / "out", class_settings)
    assert write_shards(class_file, tmp_path / "out", class_settings)["counts"]["repeated"] == 0


@pytest.mark.parametrize("passes", [1, 3])
def test_taus_that_are_there_twice(class_file, class_settings, class_folder, tmp_path, monkeypatch, passes):
    taus, copies = read(class_file), [tmp_path / name for name in ("first.root", "second.root", "third.root")]
    for number, path in enumerate(copies):  # files of equal content would be refused
        with TupleWriter(path) as output:
            output.extend(taus[np.roll(np.arange(len(taus)), number)])
    taken = ShardSet.open(class_folder).num_taus
    monkeypatch.setattr(repeated, "_MOST_HASHES", -(-3 * taken // passes))
    with pytest.warns(InputWarning, match=rf"out: {2 * taken} of {3 * taken} taus are there twice"):
        manifest = write_shards(copies, tmp_path / "out", class_settings)
    assert manifest["counts"]["repeated"] == 2 * taken
    with pytest.warns(InputWarning, match="are there twice"):  # also when it is kept
        write_shards(copies, tmp_path / "out", class_settings)


def test_taus_of_one_event_are_not_the_same(tmp_path, class_settings):
    zero = np.zeros(3, np.float32)
    event = {"evt": np.zeros(3, np.uint64), "tau_pt": np.full(3, 30, np.float32), "tau_eta": zero, "tau_phi": zero}
    event |= {"genLepton_vis_eta": zero, "genLepton_vis_phi": zero}
    path = write_tuple(tmp_path / "in.root", [TAU] * 3, **event, tau_decayMode=np.zeros(3, np.int32), tau_index=np.arange(3))
    assert write_shards(path, tmp_path / "out", class_settings)["counts"]["repeated"] == 0
    path = write_tuple(
        tmp_path / "in2.root", [TAU] * 3, **event, tau_decayMode=np.zeros(3, np.int32), tau_index=np.array([0, 1, 1])
    )
    with pytest.warns(InputWarning, match="1 of 3 taus are there twice"):
        write_shards(path, tmp_path / "out2", class_settings)
    path = write_tuple(tmp_path / "in3.root", [TAU] * 3, **event, tau_decayMode=np.arange(3), tau_index=None)
    assert write_shards(path, tmp_path / "out3", class_settings)["counts"]["repeated"] == 0


def test_unfinished_work_of_other_settings(class_file, class_settings, tmp_path, monkeypatch):
    def killed(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(Dealer, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        write_shards(class_file, tmp_path / "out", class_settings)
    monkeypatch.undo()
    other = class_settings.model_copy(update={"seed": 77})
    with pytest.raises(OutputExistsError, match="unfinished work of a run with other settings"):
        write_shards(class_file, tmp_path / "out", other)
    assert write_shards(class_file, tmp_path / "out", other, overwrite=True)["seed"] == 77


def test_finished_work_is_not_repeated(class_file, class_settings, class_folder, monkeypatch):
    before = contents(class_folder)
    monkeypatch.setattr(writer, "_make_pieces", None)
    assert write_shards(class_file, class_folder, class_settings)["parts"] == before[1]["parts"]
    with pytest.raises(OutputExistsError, match="made with other settings"):
        write_shards(class_file, class_folder, class_settings.model_copy(update={"seed": 9}))
    assert contents(class_folder) == before


def test_number_of_batches(class_file, class_settings, tmp_path, small_pieces):
    settings = class_settings.model_copy(update={"n_tau": 30, "n_batches": 4})
    assert write_shards(class_file, tmp_path / "first", settings)["counts"]["taus"] == 120
    write_shards(class_file, tmp_path / "all", class_settings)
    first, everything = (np.sort(ShardSet.open(tmp_path / name).columns(["evt"])["evt"]) for name in ("first", "all"))
    np.testing.assert_array_equal(first, everything[:120])
    more = class_settings.model_copy(update={"n_tau": 100, "n_batches": 50})
    with pytest.raises(InputError, match="n_batches = 50 of n_tau = 100 ask for 5000 taus, but the inputs have 300 entries"):
        write_shards(class_file, tmp_path / "more", more)
    some_lost = class_settings.model_copy(update={"n_tau": 100, "n_batches": 3})  # 300 entries, not all of them taus
    with pytest.raises(InputError, match=rf"have {len(everything)} taus that can be taken; .*allow_fewer=true"):
        write_shards(class_file, tmp_path / "more", some_lost)
    fewer = more.model_copy(update={"allow_fewer": True})
    assert write_shards(class_file, tmp_path / "more", fewer, overwrite=True)["counts"]["taus"] == len(everything)


def test_manifest(class_folder, adv_folder, class_file, table):
    manifest = ShardSet.open(class_folder).manifest
    columns = ShardSet.open(class_folder).columns()
    counts = manifest["counts"]
    assert counts["entries_read"] == 300
    assert counts["taus"] == len(columns["label"]) == 300 - sum(counts["losses"].values())
    assert counts["by_group"] == {
        name: int((columns["label"] == i).sum()) for i, name in enumerate(["e", "mu", "tau", "jet"])
    }
    assert counts["sum_of_weights"] == counts["by_group"]  # no spectra: weights of 1
    assert manifest["feature_table"] == {"name": "small", "digest": table.digest, "text": TABLE}
    assert [entry["name"] for entry in manifest["inputs"]] == [class_file.name]
    adversarial = ShardSet.open(adv_folder)
    found = adversarial.columns(["dataset_id", "y", "tauType"])
    assert adversarial.manifest["counts"]["by_group"]["data"] == (found["dataset_id"] == 0).sum() == found["y"].sum()
    assert ((found["tauType"] == 8) == (found["y"][:, 0] == 1)).all()


def test_nonfinite_values_are_counted(tmp_path, class_settings):
    mass = np.array([1, np.nan, np.inf, 2], np.float32)
    path = write_tuple(tmp_path / "nan.root", [TAU] * 4, tau_mass=mass)
    manifest = write_shards(path, tmp_path / "out", class_settings)
    assert manifest["counts"]["nonfinite"] == {"Flat/tau_mass": 2}
    taus, columns = ShardSet.open(tmp_path / "out").take(np.arange(4))
    np.testing.assert_array_equal(taus.tau[np.argsort(columns["evt"]), 2], [1, 0, 0, 2])


def test_mismatched_taus_have_no_label_and_no_weight(tmp_path, class_settings):
    path = write_tuple(tmp_path / "in.root", [TAU, NOTHING, JET])
    write_shards(path, tmp_path / "out", class_settings.model_copy(update={"include_mismatched": True}))
    columns = ShardSet.open(tmp_path / "out").columns()
    order = np.argsort(columns["evt"])
    np.testing.assert_array_equal(columns["weight"][order], [1, 0, 1])
    np.testing.assert_array_equal(columns["y"][order], [[0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]])
    assert ShardSet.open(tmp_path / "out").manifest["counts"]["by_group"]["unlabelled"] == 1


def test_optional_and_missing_columns(tmp_path, class_settings):
    path = write_tuple(tmp_path / "in.root", [TAU, E], dataset_id=None, sim_trueType=np.array([2, 0], np.int32))
    write_shards(path, tmp_path / "out", class_settings)
    columns = ShardSet.open(tmp_path / "out").columns()
    assert set(columns["dataset_id"]) == {-1}
    np.testing.assert_array_equal(columns["sim_trueType"], columns["label"])


def test_weights_of_both_kinds(tmp_path, class_settings, adv_settings):
    pt = [20, 1000]
    write_histograms(tmp_path / "pt.root", {"data": ([1.0], pt), "MC": ([0.25], pt)})
    histograms = {
        f"eta_pt_hist_{name}": ([[value]], [0, 2.5], pt)
        for name, value in zip(("e", "mu", "tau", "jet"), (1, 2, 4, 8), strict=True)
    }
    write_histograms(tmp_path / "spectra.root", histograms)
    path = write_tuple(tmp_path / "in.root", [DATA, TAU, JET, E, MU])
    spectra = dict.fromkeys(("input_spectrum", "target_spectrum"), str(tmp_path / "spectra.root"))
    update = {**spectra, "weight_bins": {"pt": pt, "abs_eta": [0, 2.5]}}
    settings = ShardSettings.model_validate(class_settings.model_dump() | update)
    write_shards(path, tmp_path / "class", settings)
    columns = ShardSet.open(tmp_path / "class").columns()
    np.testing.assert_array_equal(columns["weight"], np.array([4, 2, 1, 0.5], np.float32)[columns["label"]])
    write_shards(path, tmp_path / "adv", adv_settings.model_copy(update={"adversarial_weights": str(tmp_path / "pt.root")}))
    columns = ShardSet.open(tmp_path / "adv").columns()
    np.testing.assert_array_equal(columns["weight"], np.where(columns["label"] == 1, 1, 0.25).astype(np.float32))


def assert_refused(message, tmp_path, path, settings):
    with pytest.raises(InputError, match=message):
        write_shards(path, tmp_path / "out", settings)
    assert not [
        entry for entry in tmp_path.iterdir() if entry.name in ("out", ".out.unfinished")
    ]  # nothing half-written, nothing hidden


@pytest.mark.parametrize(
    ("histograms", "message"),
    [
        ({"data": ([2.0], [20, 1000]), "MC": ([0.25], [20, 1000])}, "1 of 1 taus of data would get another weight than 1"),
        (
            {"data": ([1.0], [1000, 2000]), "MC": ([0.25], [20, 1000])},
            "would get another weight than 1, such as 0;",
        ),
        ({"data": ([1.0], [20, 1000]), "MC": ([1.0], [1000, 2000])}, r"taus of MC \(all 2\) would get weight 0"),
    ],
)
def test_weights_of_another_set(histograms, message, tmp_path, adv_settings):
    write_histograms(tmp_path / "pt.root", histograms)
    path = write_tuple(tmp_path / "in.root", [DATA, TAU, JET])
    settings = adv_settings.model_copy(update={"adversarial_weights": str(tmp_path / "pt.root")})
    assert_refused(rf"pt\.root: .*{message}", tmp_path, path, settings)


def test_contribution_in_empty_bins(tmp_path, adv_settings):
    write_histograms(tmp_path / "pt.root", {"data": ([1.0], [20, 1000]), "MC": ([0.0, 1.0], [20, 900, 1000])})
    settings = adv_settings.model_copy(update={"adversarial_weights": str(tmp_path / "pt.root")})
    few = write_tuple(tmp_path / "few.root", [DATA, TAU, JET])
    with pytest.warns(InputWarning, match=r"pt\.root: taus of MC \(all 2\) get weight 0: they are in empty bins"):
        write_shards(few, tmp_path / "few", settings)
    many = write_tuple(tmp_path / "many.root", [DATA, *[TAU, JET] * 5])
    with pytest.raises(InputError, match=r"pt\.root: taus of MC \(all 10\) would get weight 0"):
        write_shards(many, tmp_path / "many", settings)


def test_refused_inputs(tmp_path, class_settings, adv_settings):
    nothing = write_tuple(tmp_path / "nothing.root", [NOTHING, NOTHING])
    assert_refused(r"no tau is left of 2 entries in 1 files \(no gen match: 2\)", tmp_path, nothing, class_settings)
    lacking = write_tuple(tmp_path / "lacking.root", [TAU], tau_pt=None, lumi=None)
    assert_refused(r"lacks 2 of the branches needed:\s+lumi.*\s+tau_pt", tmp_path, lacking, class_settings)
    without_id = write_tuple(tmp_path / "without_id.root", [DATA], dataset_id=None)
    assert_refused(r"lacks 1 of the branches needed:\s+dataset_id", tmp_path, without_id, adv_settings)
    strange = write_tuple(tmp_path / "strange.root", [TAU, DATA], dataset_id=np.array([5, 0], np.uint64))
    assert_refused(r"dataset_id: expected one of 0 \(data\), 1 \(MC\); received \{5: 1\}", tmp_path, strange, adv_settings)
    mixed = write_tuple(tmp_path / "mixed.root", [TAU, DATA], dataset_id=np.zeros(2, np.uint64))
    assert_refused("partly data .* and partly simulation: data: 1 of 2 taus", tmp_path, mixed, adv_settings)
    truncated = tmp_path / "truncated.root"
    truncated.write_bytes(nothing.read_bytes()[:-100])
    assert_refused("truncated.root", tmp_path, truncated, class_settings)
    empty = write_tuple(tmp_path / "empty.root", [])
    assert_refused("empty.root: no entries", tmp_path, empty, class_settings)


def test_data_with_generated_leptons_is_refused(tmp_path, class_settings):
    arrays = tuple_arrays([TAU])
    path = write_tuple(tmp_path / "in.root", [TAU], sampleType=np.zeros(len(arrays), np.int32))
    assert_refused("match cannot occur in their kind of sample", tmp_path, path, class_settings)
