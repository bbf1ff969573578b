"""What is printed of the objects of the front door: a few lines that say what it is."""

import TauAdv as ta


def lines(thing):
    text = str(thing)
    assert 1 <= len(text.splitlines()) <= 7
    assert max(map(len, text.splitlines())) < 400
    assert "\n" not in repr(thing)
    return text


def test_data(taus, jets):
    text = lines(ta.shards(taus.test))
    assert f"{taus.test}: classification set of 210 taus\n" in text
    assert "classes: e, mu, tau, jet\n" in text
    assert "labels: 0 simulated, 1 data" in lines(ta.shards(taus.control))
    assert "classes: b, c, udsg" in lines(ta.shards(jets.test))
    assert "of 30 taus" in lines(ta.shards(taus.test).head(30))
    text = lines(ta.tuples(taus.tuples))
    assert "entries of the tree 'taus' in DYee.root" in text
    assert "pfCand " in text
    assert "tuples in 2 files" in repr(ta.tuples([taus.tuples, taus.tuples.with_name("QCD.root")]))


def test_tables(taus, jets):
    text = lines(ta.shards(taus.test).table)
    assert "features: tau 43, egamma 86, muon 64, hadrons 38 (188 in a cell)" in text
    assert "inner 11 x 11 of 0.02" in text
    table = ta.shards(jets.test).table
    assert f"inputs: {len(table)}: " in lines(table)


def test_runs_and_taggers(taus, jets):
    run = ta.run(jets.mlruns, jets.run.id)
    text = lines(run)
    assert f"run {run.id} (one), FINISHED\n" in text
    assert "metrics: val_loss " in text
    assert "files: input_cfg, model" in text
    assert [one.id for one in ta.runs(jets.mlruns)] == [run.id]
    assert "run" in repr(ta.runs(jets.mlruns))
    text = lines(ta.tagger(taus.adversarial))
    assert "scores: e, mu, tau, jet, and an adversarial head" in text
    assert "reads jets" in lines(ta.tagger(jets.run))


def test_rows_and_measures(taus):
    tagger = ta.tagger(taus.classifier)
    (arrays,) = ta.tuples(taus.tuples).iterate(tagger.table.branches, entry_stop=5)
    assert "5 taus with the features of deeptau_v2p5\n  inputs: tau [5, 43], " in lines(ta.features(arrays))
    assert "chi2/ndf = " in lines(ta.closure(tagger.predict(control := ta.shards(taus.control)), control, bins=4))
    assert " at 0.50" in str(ta.roc(tagger.predict(ta.shards(taus.test)), efficiencies=[0.2, 0.5]))
