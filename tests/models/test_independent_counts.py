"""FLOPs and parameters of architectures of transformers against counts that are not ours."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

pytest.importorskip("transformers")

from shapetrace.capture import capture
from shapetrace.models import hf_inputs, huggingface
from shapetrace.outlining import outline
from tests.capture.test_corpus import FEW
from tests.models.shrinking import shrink


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model_type", FEW)
def test_products_and_parameters_are_those_that_torch_counts(model_type: str) -> None:
    model = huggingface.build(shrink(huggingface.config(model_type)), device="cpu").eval()
    kwargs = hf_inputs.inputs(model)
    with torch.no_grad():
        with FlopCounterMode(display=False) as counted, sdpa_kernel(SDPBackend.MATH):  # it counts no fused attention
            torch.manual_seed(0)
            model(**kwargs)
        torch.manual_seed(0)
        totals = outline(capture(model, (), kwargs)).totals
    assert totals.flops == counted.get_total_flops() > 0
    assert totals.parameters == sum({id(p): p.numel() for p in model.parameters()}.values())
