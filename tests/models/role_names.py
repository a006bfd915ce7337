"""What a matrix is by the name that people give it: an oracle that reads names alone, where the product reads none.

A name counts only where its siblings bear it out: ``wo`` beside ``q`` ends an attention, beside ``wi`` an MLP, and
alone it says nothing.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property

Roles = frozenset[str]
"""What the columns of one matrix are: {"QUERY"}, or {"QUERY", "KEY", "VALUE"} if it gives all three."""

Shape = tuple[int, ...]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


QUERIES = _words("""q_proj query q wq Wq to_q q_lin query_proj q_linear linear_q query_layer q_head proj_q q_net
    query_global query_projection projection_query project_q q_proj_weight""")
KEYS = _words("""k_proj key k wk Wk to_k k_lin key_proj k_linear linear_k key_layer k_head proj_k k_net
    key_global key_projection projection_key project_k k_proj_weight""")
VALUES = _words("""v_proj value v wv Wv to_v v_lin value_proj v_linear linear_v value_layer v_head proj_v v_net
    value_global value_projection projection_value project_v v_proj_weight""")
FUSED: dict[str, Roles] = {
    **dict.fromkeys(
        _words("""qkv c_attn query_key_value qkv_proj in_proj_weight Wqkv att_proj to_qkv queries_keys_values
            in_proj_qkv qkv_linear linear_qkv"""),
        _words("QUERY KEY VALUE"),
    ),
    **dict.fromkeys(_words("kv kv_proj key_value to_kv kv_linear keys_values Wkv c_kv"), _words("KEY VALUE")),
    **dict.fromkeys(_words("qk_proj query_key qk to_qk"), _words("QUERY KEY")),
}
OUTPUTS = _words("""o_proj out_proj to_out o wo Wo out_lin output_proj out proj dense c_proj projection linear_out
    post_proj output_projection out_linear linear_o o_lin output proj_out attention_out projection_layer""")
LATENT_DOWN = _words("q_a_proj kv_a_proj_with_mqa kv_a_proj wq_a q_down_proj kv_down_proj")
LATENT_UP: dict[str, Roles] = {
    "q_b_proj": _words("QUERY"), "wq_b": _words("QUERY"), "q_up_proj": _words("QUERY"),
    "kv_b_proj": _words("KEY VALUE"), "kv_up_proj": _words("KEY VALUE"), "k_b_proj": _words("KEY"),
    "v_b_proj": _words("VALUE"),
}  # fmt: skip
OPENINGS = {
    "fc1": "fc2", "c_fc": "c_proj", "lin1": "lin2", "linear1": "linear2", "linear_1": "linear_2", "wi": "wo",
    "Wi": "Wo", "dense_h_to_4h": "dense_4h_to_h", "fc_in": "fc_out", "ffn": "ffn_output", "layer_1": "layer_2",
    "intermediate_dense": "output_dense", "dense1": "dense2", "up_proj": "down_proj", "linear_fc1": "linear_fc2",
    "w_1": "w_2", "input_linear": "output_linear", "weights_in": "weights_out", "w1": "w2", "fc_1": "fc_2",
    "dense_1": "dense_2", "ff1": "ff2", "linear_in": "linear_out", "wi_0": "wo", "up": "down",
    "ffn1": "ffn2", "pwconv1": "pwconv2", "ffw_layer_1": "ffw_layer_2",
}  # fmt: skip
"""The first matrix of an MLP and the second one."""

GATED = {
    "gate_proj": ("up_proj", "down_proj"), "wi_0": ("wi_1", "wo"), "gate": ("up", "down"), "fc1_g": ("fc1_x", "fc2"),
    "c_fc_0": ("c_fc_1", "c_proj"),
}  # fmt: skip
"""Gate, up and down."""

GATED_AT_ONCE = {"gate_up_proj": "down_proj", "up_gate_proj": "down_proj", "w12": "w3"}
"""Gate and up in one matrix, and down."""

ROUTERS = _words("gate router wg")
HEADS = _words("""lm_head embed_out qa_outputs score classifier output_projection proj_out vocab_projector codec_head
    generator_lm_head logits_head logits_dense""")
ELSEWHERE = _words("sampling_offsets receptance conv_qk_depthwise")
"""Beside these, names of attention mean something else: deformable attention, RWKV, queries mixed into the keys."""

NO_MLP = _words("conv1 conv2")
"""Beside these, two linear layers follow each other with nothing between."""


class Names:
    """The parameters of a model as a tree of names.

    Args:
        shapes: Sizes by the full name of a parameter.
    """

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._shapes = shapes

    @cached_property
    def _tree(self) -> dict[str, set[str]]:
        tree: dict[str, set[str]] = {}
        for name in self._shapes:
            parts = name.split(".")
            for i, part in enumerate(parts):
                tree.setdefault(".".join(parts[:i]), set()).add(part)
        return tree

    def below(self, path: str) -> set[str]:
        """Names of what a module holds, modules and parameters."""
        return self._tree.get(path, set())

    def shape(self, path: str) -> Shape:
        """Sizes of a module's weight, or of a parameter; axes of 1 behind the first two left out."""
        names = path, f"{path}.weight", f"{path}.linear.weight"
        shape = next((self._shapes[name] for name in names if name in self._shapes), ())
        while len(shape) > 2 and shape[-1] == 1:
            shape = shape[:-1]
        return shape

    def answers(self, parameter: str) -> tuple[Roles, ...]:
        """What a product with this parameter may be called, any of them; nothing if its name says nothing."""
        path = parameter.removesuffix(".weight").removesuffix(".linear")
        parent, _, last = path.rpartition(".")
        if path.endswith(".bias") or "adapter" in path or "indexer" in path:
            return ()
        return (
            self._router(path)
            or _head(path)
            or self._attention(parent, last)
            or (() if "attention" in ".".join(parent.split(".")[-2:]) else self._feed_forward(parent, last))
            or self._dense(parent, last)
        )

    def _router(self, path: str) -> tuple[Roles, ...]:
        """A ``gate`` or ``router`` beside experts, or the one matrix in it, if there is more than one expert."""
        if 1 in self.shape(path):
            return ()
        for _ in range(2):
            holder = path
            path, _, last = path.rpartition(".")
            beside_experts = any(s.startswith("expert") or s == "input_linear" for s in self.below(path))
            if last in ROUTERS and beside_experts and self._matrices(holder) <= 1:
                return (_words("ROUTER"),)
        return ()

    def _matrices(self, path: str) -> int:
        return sum(name.startswith(f"{path}.") and len(shape) > 1 for name, shape in self._shapes.items())

    def _attention(self, parent: str, last: str) -> tuple[Roles, ...]:
        siblings = self.below(parent)
        if siblings & ELSEWHERE or not _attends(siblings):
            return ()
        others = siblings - {last}
        if last in QUERIES:
            return _words("QUERY"), _words("QUERY GATE")
        if last in KEYS:
            return (_words("KEY"),) if others & VALUES else (_words("KEY"), _words("KEY VALUE"))
        if last in VALUES:
            return (_words("VALUE"),)
        if last in FUSED:
            return (FUSED[last] - {"QUERY"} if others & {"q_attn"} else FUSED[last],)
        if last in LATENT_DOWN:
            return _words("LATENT_DOWN"), _words("LATENT_DOWN KEY")
        if last in LATENT_UP:
            return _words("LATENT_UP"), LATENT_UP[last]
        return (_words("OUT_PROJ"),) if last in OUTPUTS else ()

    def _feed_forward(self, parent: str, last: str) -> tuple[Roles, ...]:
        return self._gated(parent, last) or self._opening(parent, last)

    def _gated(self, parent: str, last: str) -> tuple[Roles, ...]:
        siblings = self.below(parent)
        triples = {("w1", third, "w2") for third in ("w3", "v1")} | {(a, b, c) for a, (b, c) in GATED.items()}
        for triple in triples:
            if last in triple and siblings.issuperset(triple):
                return (_words(("GATE", "UP", "DOWN")[triple.index(last)]),)
        for first, second in GATED_AT_ONCE.items():
            if last in (first, second) and siblings.issuperset((first, second)):
                return (_words("GATE_UP"), _words("GATE UP")) if last == first else (_words("DOWN"),)
        return ()

    def _opening(self, parent: str, last: str) -> tuple[Roles, ...]:
        """Both matrices of an MLP, gated if the first gives twice the columns that the second takes."""
        pairs = [(first, second) for first, second in OPENINGS.items() if last in (first, second)]
        pairs += [pair for pair in [_numbered(parent, self.below(parent))] if pair and last in pair]
        siblings = self.below(parent)
        if siblings & NO_MLP or parent.endswith("_generator"):
            return ()
        for first, second in pairs:
            if siblings.issuperset((first, second)):
                one, two = self.shape(_join(parent, first)), self.shape(_join(parent, second))
                if first == "c_fc" and one[0] < one[1]:  # kept as [in, out]
                    one, two = one[::-1], two[::-1]
                return _mlp(one, two, is_first=last == first)
        return ()

    def _dense(self, parent: str, last: str) -> tuple[Roles, ...]:
        """BERT's way: ``attention.output.dense``, ``intermediate.dense``, ``output.dense``."""
        above, _, holder = parent.rpartition(".")
        if last != "dense" or not holder.startswith(("intermediate", "output")):
            return ()
        siblings = self.below(above)
        if holder == "output" and "attention" in above.rpartition(".")[2] and "intermediate" not in siblings:
            return (_words("OUT_PROJ"),)
        first = holder.replace("output", "intermediate", 1)
        second = holder.replace("intermediate", "output", 1)
        if not siblings.issuperset((first, second)):
            return ()
        one, two = (self.shape(f"{_join(above, name)}.dense") for name in (first, second))
        return _mlp(one, two, is_first=holder == first)


def _attends(siblings: Iterable[str]) -> bool:
    """Whether modules beside each other make queries, keys or values, not one of them alone."""
    found = set(siblings)
    makers = (QUERIES, KEYS, VALUES, LATENT_DOWN, frozenset(LATENT_UP))
    fused = found & FUSED.keys()
    return bool(fused and found & (OUTPUTS | QUERIES | {"out_proj"})) or bool(
        sum(bool(found & names) for names in makers) > 1 or (found & QUERIES and found & {"o_proj", "out_proj"})
    )


def _numbered(parent: str, siblings: set[str]) -> tuple[str, str] | None:
    """The two matrices of an MLP that is a Sequential."""
    numbers = sorted(int(s) for s in siblings if s.isdigit())
    holder = parent.rpartition(".")[2]
    return (str(numbers[0]), str(numbers[1])) if holder in ("mlp", "ffn", "ff") and len(numbers) == 2 else None


def _mlp(one: Shape, two: Shape, *, is_first: bool) -> tuple[Roles, ...]:
    """What two matrices are that follow each other: gated if the second takes half of what the first gives.

    They are kept as [out, in]; those of experts, which have an axis more, may be kept as [in, out] too.
    """
    if len(one) < 2 or len(two) < 2:
        return ()
    kept = [(one[-1], one[-2], two[-1], two[-2])]
    kept += [(one[-2], one[-1], two[-2], two[-1])] if len(one) > 2 else []
    fit = [sizes for sizes in kept if sizes[1] in (sizes[2], 2 * sizes[2])]
    closed = [sizes for sizes in fit if sizes[0] == sizes[3]] or fit
    if not closed:
        return ()
    _, given, inner, _ = closed[0]
    if given == 2 * inner:
        return (_words("GATE_UP"), _words("GATE UP")) if is_first else (_words("DOWN"),)
    return (_words("EXPAND"), _words("UP")) if is_first else (_words("SHRINK"), _words("DOWN"))


def _head(path: str) -> tuple[Roles, ...]:
    """What gives the model's answer."""
    parts = path.split(".")
    last, parent = parts[-1], parts[-2] if len(parts) > 1 else ""
    is_head = (
        last == "lm_head"
        or (last in HEADS and len(parts) == 1)
        or (last == "decoder" and parent in ("predictions", "lm_head", "cls"))
        or (last.isdigit() and parent == "lm_heads")
        or (last == "out_proj" and parent == "classifier" and len(parts) == 2)
        or (last == "proj" and parent == "pred_layer")
    )
    return (_words("UNEMBED"), _words("HEAD")) if is_head else ()


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
