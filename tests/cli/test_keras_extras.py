"""Keras of a command is loaded without its extras, which the command itself may import."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from TauAdv.cli.keras_extras import keras_without_extras
with keras_without_extras():
    import keras
    print(*(name in sys.modules for name in ("sklearn", "matplotlib")), keras.ops.sum([1.0, 2.0]).numpy())
    # until Keras loads them late
    left_out = {"wrappers.sklearn_wrapper": "sklearn", "visualization.plot_image_gallery": "plt"}
    print(*(getattr(sys.modules[f"keras.src.{module}"], name) for module, name in left_out.items()))
    import matplotlib, sklearn.metrics
    print(sum(type(finder).__name__ == "_Refusal" for finder in sys.meta_path))
print(sklearn.metrics.roc_auc_score([0, 1], [0.1, 0.9]))
print(sum(type(finder).__name__ == "_Refusal" for finder in sys.meta_path))
"""


@pytest.mark.slow
def test_keras_is_loaded_without_extras_which_others_can_import():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "3.0", "None", "None", "1", "1.0", "0"]
