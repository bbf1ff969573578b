"""A CMS network comes in, is fine-tuned adversarially by run id, and goes back out as CMS graphs."""

import numpy as np
from cms_graphs import V2P5_INPUTS, random_model, small_network, weights_of, write_network

from TauAdv.models.cms.importing import import_cms_model
from TauAdv.models.cms.recording import ImportSettings, import_to_file
from TauAdv.models.export.exporting import ExportSettings, export_model
from TauAdv.models.export.source import find_model
from TauAdv.models.tagger import load_model
from TauAdv.training.adversarial import train_adversarial


def test_import_fine_tune_export(adversarial_settings, tmp_path):
    original = random_model(small_network(**V2P5_INPUTS))
    files = write_network(original, tmp_path / "graphs", version="deepTau_test")
    wanted = ImportSettings(features="deeptau_v2p5", mlpath=tmp_path / "mlruns", n_taus=10)
    imported = import_to_file(*files.values(), tmp_path / "imported.keras", wanted)["run"]

    pretrained = {"run_id": imported["id"], "mlpath": imported["mlpath"]}
    settings = adversarial_settings(pretrained=pretrained, network=None, n_epochs=1, n_batches=3, learning_rate=1e-4)
    run_id = train_adversarial(settings)

    source = find_model(mlpath=settings.mlruns, run_id=run_id)
    export_model(source, tmp_path / "out", ExportSettings(format="cms", name="deepTau_tuned", n_taus=10))
    parts = {part: tmp_path / "out" / f"deepTau_tuned_{part}.pb" for part in files}
    back, trained = (weights_of(model) for model in (import_cms_model(**parts, n_taus=10).model, load_model(source.file)))
    for layer, values in back.items():
        for name, value in values.items():
            np.testing.assert_array_equal(value, trained[layer][name], err_msg=f"{layer} {name}")
    kernels = [weights["final_dense_last"]["kernel"] for weights in (weights_of(original), back)]
    assert 0 < np.abs(kernels[1] - kernels[0]).max() < 0.1  # it started from the imported weights, and moved
