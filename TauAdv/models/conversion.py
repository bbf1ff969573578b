"""Models made from other models: another grid mode, the class head alone, an adversarial head added."""

from __future__ import annotations

from TauAdv.models.deeptau.settings import GridMode
from TauAdv.models.gradient_reversal import gradient_scales
from TauAdv.models.tagger import Tagger, TaggerType
from TauAdv.models.transfer import copy_weights_by_name

__all__ = ["class_part", "dtype_of", "with_adversarial_head", "with_grid_mode"]


def dtype_of(model: Tagger) -> str:
    """Return the name of the dtype policy of the model's layers."""
    return model.get_layer(model.features_layer).dtype_policy.name


def with_grid_mode(model: TaggerType, mode: GridMode, *, seed: int = 0) -> TaggerType:
    """Return a model with the same weights that evaluates the grids in another mode.

    Args:
        model: classifier or adversarial model whose network has grids.
        mode: ``dense`` or ``sparse``.
        seed: of the dropout of the new model.
    """
    network = model.network.model_copy(update={"grid_mode": mode})
    if model.is_adversarial:
        k1, k2 = gradient_scales(model)
        rebuilt = type(model).adversarial(network, dtype=dtype_of(model), seed=seed, k1=k1, k2=k2)
    else:
        rebuilt = type(model).classifier(network, dtype=dtype_of(model), seed=seed)
    copy_weights_by_name(model, rebuilt, require_shapes=True)
    return rebuilt


def class_part(model: TaggerType) -> TaggerType:
    """Return the classifier within an adversarial model, with the same weights; a classifier is returned as it is."""
    if not model.is_adversarial:
        return model
    classifier = type(model).classifier(model.network, dtype=dtype_of(model))
    copy_weights_by_name(model, classifier, require_shapes=True)
    return classifier


def with_adversarial_head(model: TaggerType, *, seed: int = 0, k1: float = 1.0, k2: float = 10.0) -> TaggerType:
    """Return an adversarial model that starts from a classifier's weights, with a new adversarial head.

    Args:
        model: classifier, or an adversarial model, whose own head is then kept.
        seed: of the initial weights of the head and of dropout.
        k1: factor of the class gradient on the common layers.
        k2: factor of the reversed adversarial gradient on the common layers.
    """
    adversarial = type(model).adversarial(model.network, dtype=dtype_of(model), seed=seed, k1=k1, k2=k2)
    copy_weights_by_name(model, adversarial, require_shapes=True)
    return adversarial
