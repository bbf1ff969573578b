"""Networks, losses and weights: settings (no TensorFlow needed), DeepTau, the adversarial head, the loss family.

Import from the modules: ``TauAdv.models.deeptau.network.build_classifier``, ``TauAdv.models.loading.load_tagger``, ...
"""

import os

# TensorFlow's start-up notes say nothing to a physicist; whoever wants them sets the variable
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
