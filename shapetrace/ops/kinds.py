"""What sort of thing an operation is, told by the kernels that it ran."""

from collections.abc import Iterable, Sequence
from typing import Literal

from shapetrace.ir import Kernel, Op
from shapetrace.ops.axis_products import ATTENTION
from shapetrace.ops.axis_rules import base_name
from shapetrace.ops.products import PRODUCT_KERNELS

OpKind = Literal[
    "product", "lookup", "norm", "softmax", "route", "algebra", "reduce", "index", "cat", "pointwise", "cast", "layout",
    "dropout", "read", "unknown",
]  # fmt: skip

_SETS: dict[OpKind, frozenset[str]] = {
    "product": PRODUCT_KERNELS,
    "lookup": frozenset({"embedding", "_embedding_bag"}),
    "norm": frozenset(
        "native_layer_norm native_group_norm native_batch_norm _native_batch_norm_legit _fused_rms_norm"
        " cudnn_batch_norm"
        " _native_batch_norm_legit_no_training rms_norm linalg_vector_norm _weight_norm_interface".split()
    ),
    "softmax": frozenset({"_softmax", "_safe_softmax", "_log_softmax"}),
    "route": frozenset(
        "topk sort argsort scatter scatter_add index_add index_put _index_put_impl_ bincount histc nonzero unique_dim"
        " _unique2 multinomial searchsorted bucketize index_copy masked_select masked_scatter kthvalue"
        " unique_consecutive scatter_reduce index_reduce put nonzero_static argwhere _unsafe_index_put msort"
        " unique_dim_consecutive histogram combinations".split()
    ),
    "reduce": frozenset(
        "sum mean amax amin max min var std var_mean std_mean prod any all argmax argmin logsumexp norm cumsum cumprod"
        " median nansum max_pool2d_with_indices avg_pool2d avg_pool1d _adaptive_avg_pool2d avg_pool3d"
        " max_pool3d_with_indices adaptive_max_pool2d _adaptive_avg_pool3d cummax logcumsumexp aminmax mode"
        " cummin nanmedian count_nonzero trace adaptive_max_pool3d fractional_max_pool2d fractional_max_pool3d"
        " max_pool2d max_pool1d adaptive_avg_pool1d adaptive_avg_pool2d _aminmax _unique segment_reduce"
        " mse_loss smooth_l1_loss huber_loss binary_cross_entropy nll_loss_forward nll_loss2d_forward"
        " soft_margin_loss multi_margin_loss multilabel_margin_loss_forward _ctc_loss"
        " _cdist_forward _pdist_forward _euclidean_dist".split()
    ),
    "algebra": frozenset(
        "linalg_solve_triangular triangular_solve linalg_cholesky_ex cholesky cholesky_solve cholesky_inverse"
        " _cholesky_solve_helper linalg_inv_ex inverse _linalg_solve_ex _linalg_det _linalg_slogdet _linalg_svd"
        " _linalg_eigh _linalg_eigvals linalg_eig linalg_eigvals linalg_qr geqrf orgqr ormqr"
        " linalg_householder_product linalg_lu linalg_lu_factor_ex linalg_lu_solve _lu_with_info lu_unpack"
        " linalg_lstsq _trilinear linalg_matrix_exp linalg_ldl_factor_ex linalg_ldl_solve linalg_pinv".split()
    ),
    "index": frozenset("index _unsafe_index index_select gather take take_along_dim".split()),
    "cat": frozenset("cat copy stack constant_pad_nd reflection_pad1d replication_pad1d pixel_shuffle reflection_pad2d"
                     " upsample_bilinear2d upsample_nearest2d upsample_bicubic2d grid_sampler_2d"
                     " _upsample_bilinear2d_aa _upsample_bicubic2d_aa upsample_linear1d im2col col2im"
                     " upsample_nearest1d replication_pad2d _upsample_nearest_exact2d upsample_trilinear3d"
                     " upsample_nearest3d"
                     " reflection_pad3d replication_pad3d pixel_unshuffle grid_sampler_3d _upsample_nearest_exact1d"
                     " _upsample_nearest_exact3d cudnn_grid_sampler max_unpool2d max_unpool3d _pad_circular"
                     " _grid_sampler_2d_cpu_fallback block_diag".split()),
    "pointwise": frozenset(
        "add sub rsub mul div pow exp exp2 expm1 log log1p log2 log10 neg abs sqrt rsqrt reciprocal square sin cos tan"
        " tanh sinh cosh atan atan2 asin acos sigmoid relu relu6 gelu silu elu celu selu leaky_relu prelu softplus"
        " hardtanh hardswish hardsigmoid mish log_sigmoid log_sigmoid_forward threshold glu clamp clamp_min clamp_max"
        " maximum minimum fmod remainder floor ceil round trunc frac sign erf erfc where masked_fill addcmul addcdiv"
        " lerp eq ne lt le gt ge logical_and logical_or logical_not logical_xor bitwise_and bitwise_or bitwise_not"
        " bitwise_xor isnan isinf isfinite isin fill zero nan_to_num sgn floor_divide tril triu bitwise_left_shift"
        " bitwise_right_shift __and__ __or__ polar angle complex view_as_complex view_as_real _conj real imag _fft_c2c"
        " _fft_r2c _fft_c2r roll flip lgamma digamma i0 softshrink hardshrink rrelu_with_noise special_expit xlogy"
        " addr ger asinh acosh atanh erfinv logit copysign frexp ldexp nextafter signbit isposinf isneginf gcd lcm"
        " igamma igammac mvlgamma polygamma logaddexp2 rad2deg deg2rad positive float_power rrelu channel_shuffle"
        " native_channel_shuffle _thnn_fused_lstm_cell _thnn_fused_gru_cell renorm index_fill rot90 vander"
        " affine_grid_generator fake_quantize_per_tensor_affine quantize_per_tensor dequantize"
        " _fake_quantize_per_tensor_affine_cachemask_tensor_qparams fake_quantize_per_channel_affine_cachemask"
        " fake_quantize_per_tensor_affine_cachemask quantize_per_channel glu_jvp"
        " logaddexp sinc hypot fmax fmin _conj_physical conj_physical heaviside _prelu_kernel slice_scatter"
        " select_scatter diagonal_scatter as_strided_scatter native_dropout bernoulli _weight_norm cross"
        " stft".split()
    ),
    "cast": frozenset({"_to_copy"}),
    "layout": frozenset(
        "view _unsafe_view reshape _reshape_alias t transpose permute unsqueeze squeeze expand repeat clone detach"
        " alias lift_fresh contiguous split split_with_sizes unbind chunk select slice as_strided unfold diagonal"
        " narrow expand_as view_as movedim numpy_T repeat_interleave _neg_view resize_ set_ lift to slice_copy"
        " empty_strided _reshape_copy view_copy permute_copy unsafe_split diag_embed".split()
    ),
    "read": frozenset({"_local_scalar_dense", "equal", "is_nonzero", "_assert_async", "_assert_tensor_metadata",
                       "sym_size", "_assert_scalar", "item"}),
}  # fmt: skip

_FACTORIES = frozenset(
    "arange ones zeros full empty scalar_tensor linspace eye rand randn randint randperm tril_indices triu_indices"
    " zeros_like ones_like empty_like full_like rand_like randn_like new_zeros new_ones new_empty new_full"
    " empty_permuted normal uniform randint_like logspace new_empty_strided bartlett_window hann_window"
    " lift_fresh_copy exponential random hamming_window blackman_window".split()
)
"""Kernels that make constants: never what an operation is about."""

_KIND_OF: dict[str, OpKind] = {name: kind for kind, names in _SETS.items() for name in names}
_PRIORITY: tuple[OpKind, ...] = (
    "product", "lookup", "norm", "softmax", "route", "unknown", "algebra", "reduce", "index", "cat", "pointwise",
    "cast", "layout", "read",
)  # fmt: skip


def kernel_kind(name: str) -> OpKind:
    """Kind of one kernel by its qualified name; an unlisted one is unknown."""
    base = base_name(name)
    found = _KIND_OF.get(base) or _KIND_OF.get(base.removesuffix("_"))
    if found is None and base.startswith("special_"):
        return "pointwise"
    if found is None:
        return "layout" if base.removesuffix("_") in _FACTORIES else "unknown"
    return found


def op_kind(op: Op) -> OpKind:
    """Kind of an operation: that of its most telling kernel."""
    if op.name in ATTENTION:
        return "product"
    if "dropout" in op.name:
        return "dropout"
    kinds = {kernel_kind(kernel.name) for kernel in op.kernels}
    for kind in _PRIORITY:
        if kind in kinds:
            return kind
    return "layout"


def is_factory(op: Op) -> bool:
    """Whether an operation makes its result from nothing but sizes."""
    return bool(op.kernels) and all(base_name(k.name).removesuffix("_") in _FACTORIES for k in op.kernels)


def names_of(kernels: Iterable[Kernel]) -> list[str]:
    """Base names of kernels, in-place forms as the plain ones; without what autograd detaches to keep."""
    names = [base_name(kernel.name).removesuffix("_") for kernel in kernels]
    return [name for name in names if name != "detach"] or names


_ACTIVATIONS = {
    "gelu": "GELU", "silu": "SiLU", "relu": "ReLU", "sigmoid": "Sigmoid", "tanh": "Tanh", "elu": "ELU",
    "leaky_relu": "LeakyReLU", "softplus": "Softplus", "mish": "Mish", "hardswish": "Hardswish", "relu6": "ReLU6",
    "prelu": "PReLU", "_prelu_kernel": "PReLU", "selu": "SELU", "hardtanh": "Hardtanh", "log_sigmoid": "LogSigmoid",
    "log_sigmoid_forward": "LogSigmoid", "celu": "CELU", "hardsigmoid": "Hardsigmoid", "glu": "GLU", "exp": "exp",
}  # fmt: skip


def activation_name(kernels: Sequence[str]) -> str:
    """Name of the activation that these element-wise kernels compute, or "" if they are none.

    Written-out forms count: ``0.5·x·(1 + tanh(…x³…))`` is GELU, ``x·sigmoid(x)`` is SiLU, ``relu(x)²`` is ReLU².
    """
    found = [name for name in kernels if name in _ACTIVATIONS and name != "exp"]
    names = set(kernels)
    if "tanh" in names and "mul" in names and ("pow" in names or kernels.count("mul") >= 4):
        return "GELU"
    if "erf" in names and "mul" in names:
        return "GELU"
    if found and found[0] == "relu" and ({"pow", "square"} & names or (kernels.count("mul") == 1 and len(names) == 2)):
        return "ReLU²"
    if found == ["softplus", "tanh"]:
        return "Mish"
    if len(set(found)) == 2 and sorted(kernels) == sorted([*found, "mul"]):  # the gate of WaveNet
        return " ⊙ ".join(_ACTIVATIONS[name] for name in found)
    if {"sin", "pow"} <= names <= {"sin", "pow", "mul", "add", "reciprocal", "div", "exp"}:
        return "Snake"
    return _ACTIVATIONS[found[0]] if found else ""


def norm_name(kernels: Sequence[str]) -> str:
    """Name of the normalisation that these kernels compute, or "" if they are none."""
    names = set(kernels)
    for kernel, name in (("native_layer_norm", "LayerNorm"), ("native_group_norm", "GroupNorm"),
                         ("_fused_rms_norm", "RMSNorm"), ("rms_norm", "RMSNorm")):  # fmt: skip
        if kernel in names:
            return name
    if any("batch_norm" in name for name in names):
        return "BatchNorm"
    scales = names & {"rsqrt", "sqrt", "pow", "div", "reciprocal"}
    if names & {"mean", "var", "var_mean", "std"} and scales and names & {"mul", "div"}:
        centred = "sub" in names or names & {"var", "var_mean", "std"}
        return "LayerNorm" if centred and "sub" in names else "RMSNorm" if "rsqrt" in names or "pow" in names else ""
    if "linalg_vector_norm" in names and names & {"div", "mul"}:
        return "L2 norm"
    if {"sum", "rsqrt"} <= names or (
        {"pow", "sum", "div"} <= names <= {"pow", "sum", "div", "add", "sqrt", "clamp_min"}
    ):
        return "L2 norm"
    return ""
