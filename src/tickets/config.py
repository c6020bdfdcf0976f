"""`config.yaml` as typed values. Imports no torch, transformers or pandas: every Snakemake process parses it.

The file holds one section a preset; `load_config` picks the active one, applies overrides and validates. Paper
sections are validated by the papers themselves (`tickets.papers.<id>.settings`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from tickets.config_errors import explain, suggest
from tickets.errors import TicketsError
from tickets.models.config import EncoderConfig
from tickets.papers.lth.settings import LthSettings
from tickets.papers.supertickets.settings import SuperticketsSettings
from tickets.papers.tamt.settings import TamtSettings
from tickets.section import Section
from tickets.training.recipe import Recipe


class Shape(Section):
    """Shape of a model that is pre-trained in the pipeline (names as in `EncoderConfig`)."""

    family: Literal["bert", "roberta"] = Field(
        "bert",
        description="Architecture. roberta: one segment type, its own heads, no next-sentence prediction.",
    )
    hidden_size: int = Field(64, gt=0, description="Width of the hidden states.")
    layers: int = Field(2, gt=0, description="Transformer layers.")
    heads: int = Field(8, gt=0, description="Attention heads a layer.")
    intermediate_size: int = Field(256, gt=0, description="Width of the feed-forward layers.")
    max_positions: int = Field(64, gt=0, description="Longest input in tokens.")
    activation: str = Field("relu", description="Feed-forward activation.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout, hidden and attention.")
    initializer_range: float = Field(0.08, gt=0, description="Standard deviation of the initial weights.")

    @model_serializer(mode="wrap")
    def _without_unused(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without(dump(self), "family", "bert")

    @model_validator(mode="after")
    def _possible(self) -> "Shape":
        try:
            self.encoder(1)
        except TicketsError as error:
            raise ValueError(str(error)) from None
        return self

    def encoder(self, vocab_size: int) -> EncoderConfig:
        """The encoder of this shape."""
        facts = self.model_dump()
        rate = facts.pop("dropout")
        if self.family == "roberta":
            # Positions count from pad id + 1; the synthetic vocabulary, which BERT shares, has pad id 0.
            facts["max_positions"] += 1
            facts |= {"segment_types": 1, "layer_norm_eps": 1e-5}
        return EncoderConfig(vocab_size=vocab_size, hidden_dropout=rate, attention_dropout=rate, **facts)


def _without(facts: dict[str, Any], name: str, default: str) -> dict[str, Any]:
    """A dump without a field younger than the first results where it has its default: fingerprints are of dumps."""
    return {key: value for key, value in facts.items() if key != name or value != default}


class Pretraining(Section):
    """How the pipeline pre-trains its own model (docs/explanation/micro-world.md)."""

    recipe: Recipe
    pairs: int = Field(40_000, gt=0, description="Sentence pairs to pre-train on.")
    nsp: bool = Field(True, description="Add next-sentence prediction; false: masked words only.")


class ModelSection(Section):
    """Where the pre-trained model comes from: exactly one of `shape`, `path` and `hub`."""

    name: str = Field(description="Short name, part of result paths.", pattern=r"^[a-z0-9][a-z0-9.\-]*$")
    shape: Shape | None = Field(
        None, description="Pre-train a model of this shape on the synthetic language."
    )
    pretraining: Pretraining | None = Field(None, description="How to pre-train it.")
    path: Path | None = Field(None, description="A local Hugging Face model folder.")
    hub: str | None = Field(None, description="A model id on the Hugging Face hub.")
    revision: str | None = Field(None, description="Pinned commit of the hub model.")
    tokenizer: Literal["base", "own"] = Field(
        "base",
        description="base: it reads the data of `model`. own: data are encoded again, with its tokenizer.",
    )

    @model_serializer(mode="wrap")
    def _without_unused(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without(dump(self), "tokenizer", "base")

    @model_validator(mode="after")
    def _one_source(self) -> "ModelSection":
        if sum(x is not None for x in (self.shape, self.path, self.hub)) != 1:
            raise ValueError("give exactly one of 'shape', 'path' and 'hub'")
        if (self.shape is None) != (self.pretraining is None):
            raise ValueError("'shape' and 'pretraining' belong together")
        if self.hub is not None and self.revision is None:
            raise ValueError("'hub' needs a pinned 'revision'")
        if self.shape is not None and self.tokenizer == "own":
            raise ValueError(
                "tokenizer 'own' is for real models; those with 'shape' share the synthetic vocabulary"
            )
        if self.shape and self.pretraining and self.shape.family == "roberta" and self.pretraining.nsp:
            raise ValueError(
                "family 'roberta' is pre-trained on masked words only; set pretraining.nsp to false"
            )
        return self


class DataSection(Section):
    """Where the task data come from."""

    source: Literal["synthetic", "local", "hub"] = Field(description="synthetic, local files, or the hub.")
    path: Path | None = Field(None, description="Folder of official GLUE/SQuAD/text files (source: local).")
    revision: str | None = Field(None, description="Hub revision instead of the pinned ones (source: hub).")
    mlm_sequences: int | None = Field(None, gt=0, description="Blocks of the MLM corpus to use; null: all.")
    wikitext_sequences: int | None = Field(
        None, gt=0, description="Training sequences of wikitext and of wikitext-pairs to use; null: all."
    )
    files: dict[str, dict[str, str]] = Field(
        {}, description="File names by task and split, where not official."
    )
    world_seed: int = Field(1, description="Seed of the synthetic language (source: synthetic).")
    sizes: dict[str, dict[str, int]] = Field(
        {}, description="Examples by task and split (source: synthetic)."
    )

    @model_validator(mode="after")
    def _complete(self) -> "DataSection":
        if self.source == "local" and self.path is None:
            raise ValueError("source 'local' needs 'path'")
        return self


class Execution(Section):
    """How jobs run on a machine. Nothing here changes what is computed, only how fast; `precision` changes bits."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU where there is one.")
    threads: int = Field(1, gt=0, description="Threads a job on a CPU; small models run best with one.")
    precision: Literal["fp32"] = Field("fp32", description="Arithmetic of training.")
    checkpoint_seconds: float = Field(60.0, gt=0, description="Seconds between in-flight checkpoints.")
    predictions: bool = Field(True, description="Keep every run's predictions, for the audit.")
    runtime: int = Field(60, gt=0, description="Minutes a cluster job may take at its first attempt.")
    mem_mb: int = Field(2000, gt=0, description="Memory of a job in MB at its first attempt.")
    gpus: int = Field(0, ge=0, description="GPUs a training job asks for on a cluster.")


Role = Annotated[str, Field(pattern="^[a-z][a-z0-9]*$")]
"""What a paper calls a model; part of paths and rule names."""


class Preset(Section):
    """One complete experiment: model, data, machine, papers."""

    seed: int = Field(1, description="Root of every seed of the preset.")
    model: ModelSection
    data: DataSection
    execution: Execution = Execution()
    models: dict[Role, ModelSection] = Field(
        {}, description="Further models by role ('large'); the role 'base' is `model`."
    )
    lth: LthSettings | None = Field(None, description="Chen et al. 2020; left out, the paper is not run.")
    supertickets: SuperticketsSettings | None = Field(None, description="Liang et al. 2021.")
    tamt: TamtSettings | None = Field(None, description="Liu et al. 2022.")

    @model_validator(mode="after")
    def _consistent(self) -> "Preset":
        for paper in (self.supertickets, self.tamt):
            for role in paper.models if paper else ():
                self.model_of(role)
        for role in self.roles:
            if (self.data.source == "synthetic") != (self.model_of(role).shape is not None):
                raise ValueError("the synthetic data and a model with 'shape' belong together")
        names = [self.model_of(role).name for role in self.roles]
        if self.lth is None and self.supertickets is None and self.tamt is None:
            raise ValueError("there is no paper to run; give a section 'lth', 'supertickets' or 'tamt'")
        if "base" in self.models or len(set(names)) < len(names):
            raise ValueError("every model needs a role and a name of its own; the role 'base' is `model`")
        if self.model.tokenizer == "own":
            raise ValueError("model.tokenizer: 'own' is for further models (`models`); leave it out here")
        return self

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of all models, 'base' first."""
        return ("base", *self.models)

    @property
    def own_tokenizers(self) -> tuple[str, ...]:
        """Roles whose data are encoded with a tokenizer of their own."""
        return tuple(role for role, model in self.models.items() if model.tokenizer == "own")

    def model_of(self, role: str) -> ModelSection:
        """The model of a role. Raises `TicketsError` where the preset has none."""
        if role not in self.roles:
            raise TicketsError(f"models: there is no model '{role}'; there are {', '.join(self.roles)}.")
        return self.model if role == "base" else self.models[role]

    def model_folder(self, role: str) -> Path:
        """Folder of a pre-trained model below results/<preset>."""
        return Path("models", self.model_of(role).name)

    def model_files(self, role: str) -> tuple[Path, ...]:
        """Declared files of a pre-trained model below results/<preset>."""
        return tuple(
            self.model_folder(role) / name for name in ("config.json", "model.safetensors", "run.json")
        )


class Config(BaseModel):
    """The active preset with its name."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    preset: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9\-]*$")]
    settings: Preset

    def __hash__(self) -> int:
        """Settings hold mappings, which have no hash; equal configs have equal names."""
        return hash(self.preset)

    @property
    def root(self) -> Path:
        """Folder of all results of the preset."""
        return Path("results") / self.preset


def load_config(path: Path, preset: str | None = None) -> Config:
    """Read `config.yaml` and validate the active preset."""
    try:
        raw = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise TicketsError(
            f"{path}: not found. Run in the repository's root, or name the file with --config."
        ) from None
    except yaml.YAMLError as error:
        raise TicketsError(f"{path}: not valid YAML: {error}") from None
    if not isinstance(raw, dict):
        raise TicketsError(f"{path}: must be a mapping with the keys 'preset' and 'presets'.")
    return parse_config(raw, preset, str(path))


def parse_config(raw: Mapping[str, Any], preset: str | None = None, where: str = "config.yaml") -> Config:
    """Validate a config already read (Snakemake's `config` with its overrides)."""
    for key in raw:
        if key not in ("preset", "presets"):
            raise TicketsError(f"{where}: unknown key '{key}'{suggest(key, ['preset', 'presets'])}")
    name = preset or raw.get("preset")
    presets = raw.get("presets") or {}
    if not isinstance(presets, Mapping):
        raise TicketsError(f"{where}: 'presets' must be a mapping from names to presets.")
    if name not in presets:
        near = suggest(str(name), list(presets))
        raise TicketsError(
            f"{where}: preset '{name}' is not defined{near} Defined are: {', '.join(presets)}."
        )
    try:
        return Config(preset=name, settings=Preset.model_validate(presets[name]))
    except ValidationError as error:
        raise TicketsError(explain(error, f"{where}: presets.{name}", Preset)) from None
    except TicketsError as error:
        raise TicketsError(f"{where}: presets.{name}: {error}") from None
