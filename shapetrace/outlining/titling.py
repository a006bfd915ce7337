"""Titles of products from what feeds them and what becomes of them: Output, Gate, Expand, Router, Unembedding."""

from collections import defaultdict
from collections.abc import Container, Iterator

from shapetrace.ops.kinds import names_of
from shapetrace.outlining.choosing import chooses, multiplies
from shapetrace.outlining.columns import TITLES
from shapetrace.outlining.crossing import crosses
from shapetrace.outlining.drafts import Draft, Ref
from shapetrace.outlining.flow import Flow
from shapetrace.outlining.tree import GROUP_UNEMBEDDING, Node

_SUMS = frozenset({"sum", "index_add", "scatter_add", "scatter_reduce"})
_FAR = 8
_LATENTS = {"Q": "Q", "K": "KV", "V": "KV", "KV": "KV"}


def give_titles(flow: Flow, root: Node) -> None:
    """Title every product that has none, and name its matrices where a recognised pattern knows them."""
    titles = _Titles(flow, root)
    for node in root.sections():
        titles.of_section(node)


class _Titles:
    def __init__(self, flow: Flow, root: Node) -> None:
        self._flow = flow
        self._readers: dict[int, list[Draft]] = defaultdict(list)
        self._makers: dict[int, Draft] = {}
        self._becomes: dict[int | None, int] = {}
        self._tables: set[int] = set()
        self._opening: set[int] = set()
        for draft in root.drafts():
            for operand in draft.operands:
                if operand.value is not None:
                    self._readers[operand.value].append(draft)
            for result in draft.results:
                if result.value is not None:
                    self._makers.setdefault(result.value, draft)
            if draft.adapted is not None:
                self._makers[draft.adapted] = draft
                self._becomes[draft.results[0].value] = draft.adapted
            if draft.kind == "lookup":
                self._tables |= {ref.value for ref in draft.operands if ref.value is not None}

    def of_section(self, node: Node) -> None:
        """Title the steps that stand directly in a section, and the section where they decide it."""
        if node.kind == "attention" and crosses(self._flow, node):
            node.title = "Cross-attention"
        products = [d for d in node.own() if d.kind == "product" and not d.title]
        for draft in products:
            self._by_neighbours(draft, node)
        self._feed_forward([d for d in products if not d.title])
        if any(draft.title == "Unembedding" for draft in products) and node.kind in ("mlp", "other"):
            node.kind = "unembedding"
        if node.path == GROUP_UNEMBEDDING and not any(draft.title in ("Unembedding", "Head") for draft in products):
            node.kind, node.title = "other", "Output"
        for draft in (d for d in node.own() if not d.title):
            name = draft.path.rpartition(".")[2] if draft.path != node.path and draft.kind != "contraction" else ""
            draft.title = name if name and not name.isdigit() else "Product"
        for draft in node.own():
            if draft.kind in ("pointwise", "multiply", "reduce", "route") and self._joins_experts(draft):
                draft.title, draft.operator = "Combine experts", "weighted sum"
                draft.results[0].letter = "M"

    def _by_neighbours(self, draft: Draft, node: Node) -> None:
        """Titles that one step before or after decides."""
        data, weight, result = self._parts(draft)
        if weight.value in self._tables:
            self._name(draft, "Unembedding", weight="E", result="logits")
            weight.transposed = True
        elif data.value is not None and self._weighs_heads(data.value):
            self._name(draft, "Output", weight="W_O", result="O")
        elif node.kind == "unembedding" and self._is_last(draft, node):
            self._name(draft, "Unembedding" if self._is_vocabulary(weight) else "Head", weight="W_U", result="logits")
        elif self._reaches_route(result):
            self._name(draft, "Router", weight="W_R", result="R")
        else:
            latent = self._latent_of(result, draft)
            if latent:
                self._name(draft, "Compress", weight=f"W_D{latent}", result=f"C_{latent}")

    def _feed_forward(self, products: list[Draft]) -> None:
        """Gate, up and down; or expand and shrink."""
        for draft in products:
            data, _, result = self._parts(draft)
            if draft.title:
                continue
            gating = self._gating(result)
            if gating is not None:
                is_gate = self._is_activated(gating, result)
                letter, name = ("G", "gate") if is_gate else ("U", "up")
                self._name(draft, "Gate" if is_gate else "Up", weight=f"W_{name}", result=letter)
                continue
            if self._is_cut_in_two(result):
                self._name(draft, "Gate and up", weight="W_gu", result="GU")
                continue
            made_by = self._behind_activation(data)
            if made_by is None:
                if self._is_activated_alone(result) and self._feeds_product(result):
                    self._name(draft, _by_width(draft), weight="W_1", result="H")
                    self._opening.add(id(draft))
            elif made_by.title in ("Gate", "Up", "Gate and up"):
                self._name(draft, "Down", weight="W_down", result="M")
            elif id(made_by) in self._opening:
                self._name(draft, _by_width(draft), weight="W_2", result="M")

    def _name(self, draft: Draft, title: str, *, weight: str, result: str) -> None:
        draft.title = title
        parts = self._parts(draft)
        parts[1].letter, parts[2].letter = weight, result

    def _parts(self, draft: Draft) -> tuple[Ref, Ref, Ref]:
        """Data operand, weight operand, result."""
        first, second = draft.operands[0], draft.operands[-1]
        if first.role == "weight" and second.role != "weight":
            first, second = second, first
        return first, second, draft.results[0]

    def _after(self, ref: Ref) -> list[Draft]:
        value = self._becomes.get(ref.value, ref.value)
        return self._readers.get(value, []) if value is not None else []

    def _joins_experts(self, draft: Draft) -> bool:
        """Whether a step adds up what several experts made of each row."""
        for operand in draft.operands:
            maker = self._makers.get(operand.value) if operand.value is not None else None
            if maker is not None and maker.chosen is not None:
                names = {name for op in draft.ops for name in names_of(self._flow.trace.ops[op].kernels)}
                return bool(names & _SUMS)
        return False

    def _weighs_heads(self, value: int, steps: int = 4) -> bool:
        """Whether a value is the weighted sum of attention, or made from it element by element, gates included."""
        maker = self._makers.get(value)
        if maker is None or steps == 0:
            return False
        if maker.kind in ("weighted_sum", "concat") and any(r.letter == "Z" for r in (*maker.results, *maker.operands)):
            return True
        if maker.kind not in ("concat", "multiply", "norm", "pointwise", "activation"):
            return False
        return any(self._weighs_heads(o.value, steps - 1) for o in maker.operands if o.value is not None)

    def _is_last(self, draft: Draft, node: Node) -> bool:
        """Whether a section's last product is the model's: nothing multiplies its result with anything."""
        if draft is not [d for d in node.own() if d.kind == "product"][-1]:
            return False
        return all(after.kind not in ("product", "contraction", "scores") for after in self._onward(draft.results[0]))

    def _reaches_route(self, result: Ref) -> bool:
        """Whether a product's columns are scores of which the best are chosen."""
        small = ("softmax", "activation", "add", "pointwise", "reduce", "select")
        return result.shape[-1] > 1 and any(chooses(self._flow, after) for after in self._onward(result, small))

    def _onward(self, result: Ref, through: Container[str] | None = None) -> Iterator[Draft]:
        """The steps that a value reaches, nearest first, a few; behind those of some kinds only, if they are named."""
        queue = list(self._after(result))
        for place in range(_FAR):
            if place == len(queue):
                return
            after = queue[place]
            yield after
            if through is None or after.kind in through:
                queue += [later for made in after.results for later in self._after(made)]

    def _latent_of(self, result: Ref, draft: Draft) -> str:
        """What a low-rank product is expanded to again, row by row: queries, or keys and values."""
        letters: set[str] = set()
        columns = 0
        queue = list(self._after(result))
        for after in queue:
            if after.kind == "norm":
                queue += [later for r in after.results for later in self._after(r)]
            elif after.kind in ("residual", "concat"):
                return ""  # a stream of its own
            elif after.kind == "product" and after.title in (*TITLES.values(), "Key, Value"):
                if after.operands[0].shape[:-1] != result.shape[:-1]:
                    return ""
                letters |= {_LATENTS[r.letter] for r in after.results if r.letter in _LATENTS}
                columns += sum(r.shape[-1] * r.stack for r in after.results)
        narrow = result.shape[-1] < min(draft.operands[0].shape[-1], columns)
        return letters.pop() if narrow and len(letters) == 1 else ""

    def _gating(self, result: Ref) -> Draft | None:
        """The element-wise step in which a product's columns meet those of another one."""
        for after in self._after(result):
            if after.kind in ("activation", "multiply") and len({o.value for o in after.operands}) == 2:
                makers = [self._makers.get(o.value) for o in after.operands if o.value is not None]
                products = [maker for maker in makers if maker is not None and maker.kind == "product"]
                one_source = len({product.operands[0].value for product in products}) == 1
                if len(products) == len(makers) and one_source and multiplies(self._flow, after):
                    return after
        return None

    def _is_cut_in_two(self, result: Ref) -> bool:
        """Whether an activation takes half of a product's columns and multiplies it with the other half."""
        return any(
            after.kind == "activation"
            and len(after.operands) == 1
            and 2 * after.results[0].shape[-1] == result.shape[-1]
            for after in self._after(result)
        )

    def _is_activated(self, gating: Draft, result: Ref) -> bool:
        """Whether a gating step's activation takes this value: its first operation reads it."""
        first = min(gating.ops)
        reads = {self._flow.root(value) for value in self._flow.trace.ops[first].inputs}
        return result.value in reads

    def _is_activated_alone(self, result: Ref) -> bool:
        return any(after.kind == "activation" and len(after.operands) == 1 for after in self._after(result))

    def _feeds_product(self, result: Ref) -> bool:
        activated = [r for after in self._after(result) if after.kind == "activation" for r in after.results]
        return any(later.kind in ("product", "norm", "concat") for r in activated for later in self._after(r))

    def _behind_activation(self, data: Ref) -> Draft | None:
        """The product whose activated columns this product reads."""
        maker = self._makers.get(data.value) if data.value is not None else None
        activated = False
        for _ in range(3):
            if maker is None or maker.kind not in ("activation", "norm", "multiply"):
                break
            activated = activated or maker.kind != "norm"
            value = maker.operands[0].value
            maker = self._makers.get(value) if value is not None else None
        return maker if activated and maker is not None and maker.kind == "product" else None

    def _is_vocabulary(self, weight: Ref) -> bool:
        tables = [self._flow.facts.tensor(table).shape for table in self._tables]
        return any(len(shape) == 2 and shape[0] == weight.shape[-1] for shape in tables)


def _by_width(draft: Draft) -> str:
    """Expand or shrink, as the columns are more or fewer than before; "" for as many."""
    before, after = draft.operands[0].shape[-1], draft.results[0].shape[-1]
    return "Expand" if after > before else "Shrink" if after < before else ""
