import numpy as np
import pytest
import yaml
from extracted_jets import extracted

from TauAdv.errors import ConfigError, InputError
from TauAdv.jets.cleaning import is_default
from TauAdv.jets.defaults import computed_defaults, fixed_defaults, published_defaults
from TauAdv.jets.features import JetFeatures
from TauAdv.jets.moments import Moments
from TauAdv.jets.parts import ExtractedJets
from TauAdv.jets.published import published_columns
from TauAdv.jets.scalers import Scalers
from TauAdv.jets.schema import DefaultRule, JetTable

TABLE = JetTable.load()


def published_features(n_tracks: int = 6, **options) -> JetFeatures:
    columns = TABLE.inputs(n_tracks)
    return JetFeatures.of(TABLE, n_tracks, published_defaults(columns), Scalers.published(columns), **options)


@pytest.fixture(scope="module")
def jets(tmp_path_factory):
    return ExtractedJets.open(extracted(tmp_path_factory.mktemp("jets") / "jets", 200)).read()


def test_published_scaled_defaults():
    """(default - mean) / spread of all 940 columns, as far as the printed digits of mean and variance tell."""
    features = published_features(33)
    for column, received in zip(features.columns, features.scaled_default, strict=True):
        expected = published_columns()[column.name]
        spread = np.sqrt(expected.variance or 1)
        relative = 5e-9 / expected.variance if expected.variance else 0  # of a variance printed to 8 digits
        digits = 1e-8 if abs(expected.mean) > 1e-6 else abs(expected.mean) * 1e-8
        tolerance = abs(expected.scaled_default) * (relative + 1e-6) + digits / spread
        assert received == pytest.approx(expected.scaled_default, abs=tolerance), column.name


def matching_values(column) -> np.ndarray:
    """Numbers with the published mean, variance and (where the default follows from it) smallest value."""
    published, rule = published_columns()[column.name], column.variable.default
    minimum = published.default + rule.below_minimum if isinstance(rule, DefaultRule) else published.mean
    below = minimum - published.mean
    if published.variance == 0:
        return np.full(4, published.mean)
    n = 2 * int(2 + below**2 / published.variance) + 1
    centre = -below / (n - 1)
    spread = np.sqrt(n * published.variance / (n - 1) - below**2 / (n - 1) - centre**2)
    return published.mean + np.concatenate([[below], np.tile([centre + spread, centre - spread], (n - 1) // 2)])


@pytest.mark.parametrize("name", ["jet_pt", "jet_eta", "vertex_mass", "track_0_D0", "track_3_PHIZ0", "track_1_D0D0"])
def test_data_like_the_published_give_its_row(name):
    column, published = TABLE.column(name), published_columns()[name]
    values = matching_values(column).astype(np.float32)[:, None]
    moments = Moments.of(values, ~is_default(values, fixed_defaults([column])))
    assert moments.count[0] == len(values)
    default, scalers = computed_defaults([column], moments.minimum), Scalers.fitted(moments)
    spread = np.sqrt(published.variance)
    assert default[0] == pytest.approx(published.default, rel=1e-6)
    assert scalers.mean[0] == pytest.approx(published.mean, abs=1e-4 * spread)
    assert scalers.std[0] == pytest.approx(spread, rel=1e-4)
    scaled = (default[0] - scalers.mean[0]) / scalers.std[0]
    assert scaled == pytest.approx(published.scaled_default, rel=1e-3)


def test_scaling_and_mask(jets):
    features = published_features()
    x, absent = features(jets)
    assert x.dtype == np.float32
    assert x.shape == absent.shape == (len(jets), 184)
    np.testing.assert_array_equal(absent[:, features.names.index("vertex_mass")], np.ones(len(jets), bool))
    padding = jets.padding[:, [column.full_index != 2 for column in jets.columns]]
    assert absent[padding].all()
    raw = jets["track_0_D0"].astype(np.float64)
    k = features.names.index("track_0_D0")
    np.testing.assert_allclose(x[:, k], (raw - features.mean[k]) / features.std[k], rtol=1e-6)
    np.testing.assert_allclose(x[absent], np.broadcast_to(features.scaled_default, x.shape)[absent], rtol=1e-5)
    physical = features.unscale(x)
    np.testing.assert_allclose(physical[~absent], features.select(jets)[~absent], rtol=1e-4, atol=1e-6)


def test_defaults_to_zero(jets):
    features, plain = published_features(defaults_to_zero=True), published_features()
    x, absent = features(jets)
    assert (x[absent] == 0).all()
    np.testing.assert_array_equal(x[~absent], plain(jets)[0][~absent])
    np.testing.assert_allclose(features.unscale(x, absent)[absent], plain.unscale(plain(jets)[0])[absent], atol=1e-4)
    assert features.digest != plain.digest
    assert features.differences(plain) == ["defaults_to_zero"]


def test_text_round_trip():
    features = published_features(2)
    again = JetFeatures.from_text(features.dump())
    assert again.digest == features.digest
    for name in ("default", "mean", "std", "frozen"):
        np.testing.assert_array_equal(getattr(again, name), getattr(features, name))
    assert again.table.digest == TABLE.digest
    assert features.differences(again) == []


def test_column_without_spread_is_frozen_and_gets_scale_one():
    scalers = Scalers(np.array([3.0, 0.0]), np.array([0.0, 4.0]))
    np.testing.assert_array_equal(scalers.std, [1, 2])
    np.testing.assert_array_equal(scalers.constant, [True, False])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda content: content["features"].pop("jet_pt"), "expected the columns of 2 tracks"),
        (lambda content: content["features"]["jet_pt"].pop("mean"), "mean"),
        (lambda content: content.update(table="flavours"), "table"),
    ],
)
def test_damaged_text(change, text):
    content = yaml.safe_load(published_features(2).dump())
    change(content)
    with pytest.raises(ConfigError, match=text):
        JetFeatures.from_text(yaml.safe_dump(content, sort_keys=False), "features.yaml")


def test_too_few_tracks_were_extracted(tmp_path):
    few = ExtractedJets.open(extracted(tmp_path / "few", 20, n_tracks=2)).read()
    with pytest.raises(InputError, match="n_tracks=6 tracks or more"):
        published_features()(few)
