"""What a tagger is to training and evaluation: an object that answers, so that nobody asks of which kind it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from TauAdv.commands import commands
from TauAdv.errors import InputError

if TYPE_CHECKING:
    from TauAdv.attacks.constraints.constraints import Constraints
    from TauAdv.models.comparison import Inputs
    from TauAdv.models.export.formats import Format
    from TauAdv.models.inference import Inference
    from TauAdv.models.tagger import Tagger
    from TauAdv.taggers.objective import ClassObjective

__all__ = ["TaggerSpec", "TrainingOf"]


@dataclass(frozen=True)
class TrainingOf:
    """The trainings of a tagger.

    Attributes:
        title: what they are called in messages; ``{}`` stands for the commands that start it.
        commands: that start them, keys of :data:`TauAdv.commands.SCRIPTS`.
        settings: where the class of their settings is, ``module:name``; read when it is needed, after this stage.
    """

    title: str
    commands: Sequence[str]
    settings: str

    @property
    def full_title(self) -> str:
        """The title with the commands, as the user calls them."""
        return self.title.format(commands(*self.commands))

    def settings_type(self) -> Any:
        """Return the class of the settings."""
        module, _, name = self.settings.partition(":")
        return getattr(import_module(module), name)


class TaggerSpec(ABC):
    """A tagger. Subclasses are read without TensorFlow: methods that need it import it.

    Attributes:
        name: of the tagger, the value of ``tagger`` in settings.
        rows: type of the rows that it reads, ``taus`` or ``jets``.
        registered_name: under which its models are saved, ``package>class``.
        default_network: name of the network that is trained if none is named.
        sizes_are: what :meth:`sizes` are, for messages.
        training: its settings, and the commands that start it.
        trained_by: commands that train it, keys of :data:`TauAdv.commands.SCRIPTS`.
        evaluated_by: command that evaluates its runs on a set of shards, such a key.
    """

    name: ClassVar[str]
    rows: ClassVar[str]
    registered_name: ClassVar[str]
    default_network: ClassVar[str]
    sizes_are: ClassVar[str]
    training: ClassVar[TrainingOf]
    trained_by: ClassVar[Sequence[str]]
    evaluated_by: ClassVar[str]

    @abstractmethod
    def model_type(self) -> type[Tagger]:
        """Return the class of its models, which builds them; with that, its layers are known to Keras."""

    @abstractmethod
    def load_network(self, name_or_path: str | Path) -> Any:
        """Return the settings of a network by its name or the path of its YAML file.

        Raises:
            ConfigError: if there is no such network, or a setting is unknown or not accepted.
        """

    @abstractmethod
    def sizes(self, network: Any) -> Any:
        """Return the sizes of the inputs of a network."""

    @abstractmethod
    def sizes_of_table(self, table: Any) -> Any:
        """Return the sizes of the inputs that a feature table gives."""

    @abstractmethod
    def constraints(self, table: Any) -> Constraints:
        """Return what attacks may do to inputs with the features of a table."""

    @abstractmethod
    def objective(self, settings: Any) -> ClassObjective:
        """Return what the settings of a training (``loss``, ...) make the class head learn.

        Raises:
            ConfigError: if the loss is not known, or its parameters do not fit the classes.
        """

    def require_features(self, network: Any, table: Any) -> None:
        """Check that a network takes the features of a table.

        Raises:
            InputError: if it takes others.
        """
        wanted, given = self.sizes(network), self.sizes_of_table(table)
        if wanted != given:
            msg = f"network '{network.name}' takes {self.sizes_are} {wanted}, but feature table '{table.name}' has {given}"
            raise InputError(msg)

    def inference(self, model: Any, *, with_features: bool = False, with_adversarial_head: bool = True) -> Inference:
        """Return the compiled function with which predictions are made; by default, the Keras layers as they are.

        Args:
            model: a tagger of this class, with or without adversarial head.
            with_features: also give the common features that the heads see, as ``features``.
            with_adversarial_head: give ``adv_output`` if the model has the head.

        Returns:
            Function from a batch to the outputs by name: ``main_output`` [n, classes] and what is asked for. It is compiled
            once for all numbers of rows, and has the weights that the model has now or when it is called.
        """
        from TauAdv.models.inference import layer_inference

        return layer_inference(model, with_features=with_features, with_adversarial_head=with_adversarial_head)

    def export_formats(self) -> Mapping[str, Format]:
        """Return the formats in which the class head can be exported, by name; by default, none."""
        return {}

    def double_network(self, network: Any) -> Any:
        """Return the settings of the same network in double precision: its constants rounded as in single precision."""
        return network

    def random_inputs(self, network: Any, n_rows: int, seed: int) -> Inputs:
        """Return random network inputs, on which an exported model is compared with the original."""
        raise NotImplementedError(self.name)

    def random_values(self, network: Any, table: Any, n_rows: int, seed: int) -> Inputs:
        """Return random inputs of a model that was exported with its preprocessing: physical values."""
        raise NotImplementedError(self.name)

    def preprocessed(self, network: Any, table: Any, values: Inputs) -> Inputs:
        """Return the network inputs of physical values, as shards of a feature table hold them."""
        raise NotImplementedError(self.name)

    def feature_text(self, table: Any, network: Any) -> str:
        """Return the text of ``features.json``, which says what an exported model takes."""
        raise NotImplementedError(self.name)
