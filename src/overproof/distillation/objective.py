"""The weighted sum of all terms over a batch, on top of the decoder: one pass, one head product.

    L = Σ_v λ_v · D(p̂ ‖ q̂)  +  λ_ce · −log q(gold)  +  λ_robust · D(p̂ ‖ q̂(perturbed prompt))
      + λ_policy · KL(q̂ ‖ p̂) on the student's own text  +  λ_align · L_align

p̂ and q̂ are over K kept tokens and a tail. Only the positions that predict a target go through the
output head, and no (tokens × vocabulary) tensor of more than a chunk is ever held (kernels.py).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from overproof.distillation.alignment import info_nce, relational_loss
from overproof.distillation.batches import TERMS, Batch, take_rows
from overproof.distillation.crossing import chunk_divergence, likeliest_ids, uld
from overproof.distillation.divergences import DIVERGENCES, cross_entropy, reverse_kl
from overproof.distillation.kernels import head_loss
from overproof.distillation.sharding import join_rows, several
from overproof.errors import EngineError
from overproof.recipe import DistillConfig

STATISTICS = (*TERMS, "alignment", "captured_mass")
"""Rows of what `objective` returns beside the loss: the sum of each term, and over how many; last,
the teacher's mass on the kept tokens, over rows that are a distribution."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the objective needs to know beside the batch."""

    config: DistillConfig
    rows: int
    """True vocabulary: rows of the head beyond it encode nothing."""
    temperature: float = 1.0
    together: bool = False
    """Whether a pass through the decoder that one process makes has to be made by all."""


@dataclass
class _Seen:
    """Values per token that the pieces of a batch leave behind, detached."""

    divergence: list[Any] = field(default_factory=list)
    policy: list[Any] = field(default_factory=list)
    ce: list[Any] = field(default_factory=list)


def objective(causal: Any, batch: Batch, setting: Setting) -> tuple[Any, Any]:
    """Return the weighted sum over target tokens, in nats, and the statistics of each term.

    Sums, not means: the caller divides by the target tokens of the whole step, however it is
    split into batches or processes. The alignment term alone compares what shares a batch, in
    whichever processes its parts are.

    Shapes: returns () and (len(STATISTICS), 2).
    """
    import torch

    config = setting.config
    if config.robust_choice == "worst" and config.robust_draws > 1:
        batch = take_rows(batch, worst_twins(causal, batch, setting))
    hidden = _hidden(causal, batch)
    predicting = hidden[batch["predicts"]]
    batch = _with_own_ids(causal, predicting, batch, setting)
    seen = _Seen()
    cold = setting.temperature == 1.0
    total = _over_head(causal, predicting, batch, setting, _divergence_terms(batch, setting, seen))
    total = total * setting.temperature**2
    if config.ce_weight > 0 and not cold:
        plain = Setting(config=config, rows=setting.rows)
        total = total + _over_head(causal, predicting, batch, plain, _ce_terms(batch, seen))
    statistics = torch.zeros(len(STATISTICS), 2, device=total.device)
    values_of = {"kd": seen.divergence, "robust": seen.divergence, "ce": seen.ce}
    for place, name in enumerate(TERMS):
        parts = values_of.get(name, seen.policy)
        if not parts:
            continue
        values, where = torch.cat(parts), batch[name] > 0
        statistics[place, 0], statistics[place, 1] = values[where].sum(), where.sum()
    if "aligned" in batch or (config.alignment_weight > 0 and several()):
        aligned = _alignment(hidden, batch, config)
        tokens = (batch["labels"] >= 0).sum()
        if aligned is not None:
            total = total + config.alignment_weight * aligned * tokens
            statistics[-2, 0], statistics[-2, 1] = aligned.detach() * tokens, tokens
    direct = batch["direct"]
    statistics[-1, 0] = (1 - batch["tail"][direct].exp()).sum()
    statistics[-1, 1] = direct.sum()
    return total, statistics


def token_divergences(causal: Any, batch: Batch, setting: Setting) -> Any:
    """Return the divergence from the teacher per target token, in nats, without gradient.

    Shapes: returns (N,).
    """
    import torch

    seen = _Seen()
    with torch.no_grad():
        hidden = _hidden(causal, batch)[batch["predicts"]]
        batch = _with_own_ids(causal, hidden, batch, setting)
        _over_head(causal, hidden, batch, setting, _divergence_terms(batch, setting, seen))
    return torch.cat(seen.divergence)


def worst_twins(causal: Any, batch: Batch, setting: Setting) -> Any:
    """Return which rows to keep: the clean ones, and of each lesson's twins the hardest.

    Hardest is where the student is furthest from the teacher, per token, as it is now.
    Shapes: returns (R,) bool.
    """
    import torch

    twin = ~(batch["labels"] >= 0).any(dim=1)
    keep = ~twin
    places = twin.nonzero()[:, 0]
    if not len(places):
        if setting.together:  # others do have twins, and need this process's share of the layers
            with torch.no_grad():
                _hidden(causal, batch)
        return keep
    only = take_rows(batch, twin)
    values = token_divergences(causal, only, setting)
    sums = torch.zeros(len(places), device=values.device).index_add_(0, only["row"], values)
    means = sums / torch.bincount(only["row"], minlength=len(places))
    for number in only["twin"].unique():
        own = (only["twin"] == number).nonzero()[:, 0]
        keep[places[own[means[own].argmax()]]] = True
    return keep


def check_head(causal: Any) -> None:
    """Make sure that logits are the head's product and nothing more.

    Raises: EngineError for a model that scales or caps its logits.
    """
    for name, neutral in (
        ("final_logit_softcapping", None),
        ("logit_scale", 1.0),
        ("logits_scaling", 1.0),
    ):
        value = getattr(causal.config, name, None)
        if value is not None and value != neutral:
            raise EngineError(
                f"the student's logits are changed after the head ({name} = {value}), which the "
                "objective does not follow",
                hint="choose a student without it (Qwen, Llama, SmolLM, Mistral have none)",
            )


def _hidden(causal: Any, batch: Batch) -> Any:
    return (
        causal.get_decoder()(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False
        )
    ).last_hidden_state


def _with_own_ids(causal: Any, hidden: Any, batch: Batch, setting: Setting) -> Batch:
    """Return the batch with the student's own likeliest ids, where only shapes are compared."""
    if setting.config.crossing != "uld" or bool(batch["direct"].all()):
        return batch
    head = causal.get_output_embeddings()
    top_k = batch["ids"].shape[1]
    ids = likeliest_ids(
        hidden.detach(), head.weight, batch["gold"], top_k, bias=head.bias, rows=setting.rows
    )
    place = (ids == batch["gold"][:, None]).int().argmax(dim=1)
    return {**batch, "ids": ids, "place": place}


def _over_head(
    causal: Any,
    hidden: Any,
    batch: Batch,
    setting: Setting,
    terms: Callable[[slice, Any, Any], Any],
) -> Any:
    head = causal.get_output_embeddings()
    starts = (batch["chunk"][1:] != batch["chunk"][:-1]).nonzero()[:, 0] + 1
    return head_loss(
        hidden,
        head.weight,
        batch["ids"],
        terms,
        bias=head.bias,
        rows=setting.rows,
        temperature=setting.temperature,
        cuts=starts.tolist(),
    )


def _divergence_terms(
    batch: Batch, setting: Setting, seen: _Seen
) -> Callable[[slice, Any, Any], Any]:
    """Return the function from the student's kept log-probabilities to the weighted losses."""
    import torch

    config = setting.config
    weight = batch["kd"] + batch["robust"]
    has_policy = bool((batch["policy"] > 0).any())

    def terms(part: slice, kept: Any, tail: Any) -> Any:
        teacher, teacher_tail = batch["logprobs"][part], batch["tail"][part]
        values = _divergence(config, kept, tail, teacher, teacher_tail)
        gold = cross_entropy(kept, batch["place"][part])
        if not bool(batch["direct"][part].all()):
            values = _crossed(config, values, gold, kept, tail, batch, part)
        loss = weight[part] * values
        seen.divergence.append(values.detach())
        if setting.temperature == 1.0:  # else a pass of its own, over the true probabilities
            loss = loss + batch["ce"][part] * gold
            seen.ce.append(gold.detach())
        if has_policy:
            # a piece that is not the same token on both sides has no distribution to reverse
            direct = batch["direct"][part]
            policy = reverse_kl(kept, tail, teacher, teacher_tail)
            policy = torch.where(direct, policy, values)
            loss = loss + batch["policy"][part] * policy
            seen.policy.append(policy.detach())
        return loss

    return terms


def _ce_terms(batch: Batch, seen: _Seen) -> Callable[[slice, Any, Any], Any]:
    def terms(part: slice, kept: Any, _tail: Any) -> Any:
        gold = cross_entropy(kept, batch["place"][part])
        seen.ce.append(gold.detach())
        return batch["ce"][part] * gold

    return terms


def _divergence(
    config: DistillConfig, kept: Any, tail: Any, teacher: Any, teacher_tail: Any
) -> Any:
    function = DIVERGENCES[config.divergence]
    if config.divergence in ("skewed_kl", "skewed_reverse_kl"):
        return function(kept, tail, teacher, teacher_tail, config.skew)
    if config.divergence == "jsd":
        return function(kept, tail, teacher, teacher_tail, config.beta)
    return function(kept, tail, teacher, teacher_tail)


def _crossed(
    config: DistillConfig, values: Any, gold: Any, kept: Any, tail: Any, batch: Batch, part: slice
) -> Any:
    """Return the divergences of a teacher with another tokenizer, per student token.

    Tokens that are a piece of text on both sides keep their own; the value of a longer piece is
    spread over its tokens, so that a sum over tokens is a sum over pieces.
    """
    import torch

    if config.crossing == "sequence":
        return values * 0.0
    if config.crossing == "uld":
        return uld(kept, tail, batch["logprobs"][part], batch["tail"][part])
    _, piece, sizes = torch.unique_consecutive(
        batch["chunk"][part], return_inverse=True, return_counts=True
    )
    first = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)[:-1]])
    pieces = chunk_divergence(-gold, piece, batch["chunk_logprobs"][part][first])
    return torch.where(batch["direct"][part], values, (pieces / sizes)[piece])


def _alignment(hidden: Any, batch: Batch, config: DistillConfig) -> Any:
    """Return the relational loss between the texts and the codes of the aligned pairs.

    The pairs of all processes that share the batch are compared with each other; a process may
    have none of them. None if no process has any.
    """
    import torch

    place = torch.arange(hidden.shape[1], device=hidden.device)
    low, high = batch["span"][:, :1], batch["span"][:, 1:]
    inside = ((place >= low) & (place < high)).to(hidden.dtype)
    pooled = (hidden * inside[..., None]).sum(1) / inside.sum(1, keepdim=True).clamp(min=1)
    none = torch.zeros(0, 2, dtype=torch.int64, device=hidden.device)
    rows = batch.get("aligned", none)
    teacher = join_rows(batch.get("vectors", pooled.new_zeros(0, 2, 0, dtype=torch.float32)))
    text, code = join_rows(pooled[rows].float()).unbind(1)
    if not len(text):
        return None
    loss = relational_loss(text, code, teacher[:, 0], teacher[:, 1], config.alignment_temperature)
    if config.contrastive_weight > 0:
        loss = loss + config.contrastive_weight * info_nce(text, code, config.alignment_temperature)
    return loss
