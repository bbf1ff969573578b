"""Networks, losses and weights: settings (no TensorFlow needed), DeepTau, the adversarial head, the loss family.

Import from the modules: ``TauAdv.models.deeptau.build_classifier``, ``TauAdv.models.adversarial.build_adversarial``, ...
"""
