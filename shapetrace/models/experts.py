"""A mixture of experts: a router picks k of E small MLPs for every token."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from shapetrace.models import settings as s
from shapetrace.models.mlp import GatedMLP


class Router(nn.Module):
    """Scores every expert for every token and keeps the k best."""

    e_score_correction_bias: Tensor

    def __init__(self, settings: s.Settings, experts: s.Experts) -> None:
        super().__init__()
        self.experts = experts
        self.weight = nn.Parameter(torch.empty(experts.count, settings.d_model))
        if experts.correction:
            self.register_buffer("e_score_correction_bias", torch.zeros(experts.count))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits = F.linear(x, self.weight)  # (T, C) x (C, E) -> (T, E)
        scores = logits.sigmoid() if self.experts.score == "sigmoid" else F.softmax(logits, dim=-1)
        preference = scores + self.e_score_correction_bias if self.experts.correction else scores
        if self.experts.groups > 1:
            preference = self.keep_best_groups(preference)
        chosen = preference.topk(self.experts.per_token, dim=-1).indices  # (T, k)
        weights = scores.gather(1, chosen)  # (T, k)
        if self.experts.normalise:
            weights = weights / weights.sum(dim=-1, keepdim=True)
        return chosen, weights * self.experts.scale

    def keep_best_groups(self, preference: Tensor) -> Tensor:
        """Rule out the experts of all but the best groups: (T, E) -> (T, E).

        A group is as good as its best expert (DeepSeek-V2), or its two best with sigmoid scores (V3).
        """
        T, E = preference.size()
        grouped = preference.view(T, self.experts.groups, -1)  # (T, G, E/G)
        n_best = 2 if self.experts.score == "sigmoid" else 1
        rank = grouped.topk(n_best, dim=-1).values.sum(dim=-1)  # (T, G)
        kept = rank.topk(self.experts.groups_kept, dim=-1).indices  # (T, G kept)
        ruled_out = torch.ones_like(rank).scatter(1, kept, 0.0).bool()  # (T, G)
        return grouped.masked_fill(ruled_out.unsqueeze(-1), float("-inf")).view(T, E)


class Experts(nn.Module):
    """E gated MLPs, their weights stacked. A token meets the k that were chosen for it, and no other."""

    def __init__(self, settings: s.Settings, experts: s.Experts) -> None:
        super().__init__()
        E, C, d_ff = experts.count, settings.d_model, experts.d_ff
        self.gate_up_proj = nn.Parameter(torch.empty(E, C, 2 * d_ff))
        self.down_proj = nn.Parameter(torch.empty(E, d_ff, C))

    def forward(self, x: Tensor, chosen: Tensor, weights: Tensor) -> Tensor:
        T, C = x.size()
        k = chosen.size(1)
        expert = chosen.reshape(-1)  # (T * k,)
        x = x.repeat_interleave(k, dim=0).unsqueeze(1)  # (T * k, 1, C)
        h = torch.bmm(x, self.gate_up_proj[expert])  # (T * k, 1, C) x (T * k, C, 2F) -> (T * k, 1, 2F)
        gate, up = h.chunk(2, dim=-1)
        y = torch.bmm(F.silu(gate) * up, self.down_proj[expert])  # (T * k, 1, F) x (T * k, F, C) -> (T * k, 1, C)
        return (y.view(T, k, C) * weights.unsqueeze(-1)).sum(dim=1)  # (T, C)


class MoE(nn.Module):
    """Router, routed experts, and the shared ones that every token uses."""

    def __init__(self, settings: s.Settings, experts: s.Experts) -> None:
        super().__init__()
        self.gate = Router(settings, experts)
        self.experts = Experts(settings, experts)
        self.shared_experts = GatedMLP(settings, experts.shared * experts.d_ff) if experts.shared else None

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.size()
        rows = x.view(B * T, C)
        chosen, weights = self.gate(rows)
        y: Tensor = self.experts(rows, chosen, weights).view(B, T, C)
        return y if self.shared_experts is None else y + self.shared_experts(x)
