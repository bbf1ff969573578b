import subprocess
import sys

import pytest

from TauAdv.config import dump_settings, load_settings
from TauAdv.errors import ConfigError
from TauAdv.models.deeptau.settings import NetworkSettings, falling_widths, load_network, shipped_networks


def test_width_rules_give_the_layers_of_deeptau_v2p5():
    network = load_network("deeptau_v2p5")
    assert network.tau.layer_widths(network.dropout) == (104, 74, 52)
    assert network.component_widths("egamma") == (207, 129, 104)
    assert network.component_widths("muon") == (154, 96, 77)
    assert network.component_widths("hadrons") == (92, 57, 46)
    assert network.merge_widths() == (227, 141, 88, 64)
    for grid, depth in (("inner", 5), ("outer", 10)):
        layers = network.grids[grid].convolutions(network.merge_widths()[-1])
        assert [(layer.kernel, layer.stride, layer.width) for layer in layers] == [(3, 1, 64)] * depth


def test_widths_can_be_given():
    network = load_network("deeptau_v2p5", ["tau.widths=[30, 20]", "merge.widths=[50]", "components.muon.widths=[7]"])
    assert network.tau.layer_widths(network.dropout) == (30, 20)
    assert network.component_widths("muon") == (7,)
    assert network.merge_widths() == (50,)


def test_falling_widths_end_at_the_last_width():
    assert falling_widths(10, 10, 1.6) == (10,)
    assert falling_widths(100, 30, 2.0) == (100, 50, 30)


def test_columns_follow_the_order_of_the_components():
    assert load_network("deeptau_v2p5").component_columns() == {"egamma": (0, 86), "muon": (86, 150), "hadrons": (150, 188)}


@pytest.mark.parametrize("name", shipped_networks())
def test_shipped_networks_survive_a_dump(name, tmp_path):
    network = load_network(name)
    (tmp_path / "network.yaml").write_text(dump_settings(network))
    assert load_network(tmp_path / "network.yaml") == network == load_settings(NetworkSettings, tmp_path / "network.yaml")


def test_unknown_network_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match=r"'deeptau_v2p6'.*did you mean 'deeptau_v2p5'"):
        load_network("deeptau_v2p6")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("tau.reducton=1.3", r"tau.reducton: unknown key \(did you mean 'reduction'\?\)"),
        ("droput=0.1", r"droput: unknown key \(did you mean 'dropout'\?\)"),
        ("dropout=1.0", "dropout: expected less than 1"),
        ("grid_mode=sparce", "grid_mode: expected 'dense' or 'sparse'"),
        ("tau.reduction=1.0", "tau.reduction: expected more than 1"),
        ("grids.inner.n_cells=10", "grids.inner: .*does not cover a grid of 2 cells"),
        ("grids.middle={n_cells: 5}", "there is no grid 'middle'"),
        (
            "grids.outer.layers=[{kernel: 3, stride: 2}, {kernel: 3, stride: 2}]",
            r"layer 2 \(3 cells, stride 2\) does not cover",
        ),
        ("grids.inner.layers=[{kernel: 3}]", "leave 9 x 9 cells of 11 x 11"),
    ],
)
def test_wrong_settings_are_refused(override, message):
    with pytest.raises(ConfigError, match=message):
        load_network("deeptau_v2p5", [override])


def test_settings_need_no_tensorflow():
    code = "import sys, TauAdv.models.deeptau.settings; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
