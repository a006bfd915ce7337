"""What is known of each kernel, one entry each: see `registry.Entry` for what an entry can say.

Functions that people call by other names than their kernels have entries for their words.
"""

import math

from shapetrace.ops import axis_layout as layout
from shapetrace.ops import axis_products, axis_values, formulas, products
from shapetrace.ops.axis_rules import fresh, keep_first
from shapetrace.ops.registry import kernels

# Products
kernels("mm bmm", "product", axes=axis_products.matmul, product=products.matmul, shape="mm")
kernels("mv dot vdot _int_mm _scaled_mm", "product", axes=axis_products.matmul, product=products.matmul)
kernels("addmm", "product", axes=axis_products.matmul_and_add, product=products.matmul_and_add, shape="addmm")
kernels("_addmm_activation baddbmm addmv", "product", axes=axis_products.matmul_and_add,
        product=products.matmul_and_add)  # fmt: skip
kernels("addbmm", "product", axes=axis_products.sum_of_matmuls, product=products.matmul_and_add)
kernels("_grouped_mm", "product", axes=axis_products.grouped, product=products.grouped, shape="grouped_mm")
kernels("convolution _convolution mkldnn_convolution convolution_overrideable", "product",
        axes=axis_products.convolution, product=products.convolution)  # fmt: skip
kernels(" ".join(axis_products.ATTENTION), "product", axes=axis_products.attention, product=products.attention,
        traits=("attention",))  # fmt: skip

# Lookups
kernels("embedding", "lookup", axes=axis_values.embedding, shape="embedding")
kernels("_embedding_bag", "lookup")
kernels("index", "index", axes=axis_values.index, shape="index", traits=("finds",))
kernels("_unsafe_index", "index", axes=axis_values.index)
kernels("index_select", "index", axes=axis_values.index_select)
kernels("gather", "index", axes=axis_values.gather, shape="gather", traits=("finds",))
kernels("take_along_dim", "index", axes=axis_values.gather)
kernels("take", "index")

# Norms and softmax
kernels("native_layer_norm", "norm", norm="LayerNorm", axes=keep_first, shape="layer_norm")
kernels("native_group_norm", "norm", norm="GroupNorm", axes=keep_first)
kernels("_fused_rms_norm rms_norm", "norm", norm="RMSNorm", axes=keep_first)
kernels("native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training cudnn_batch_norm", "norm",
        norm="BatchNorm", axes=keep_first)  # fmt: skip
kernels("linalg_vector_norm linalg_norm vector_norm", "norm", "norm", axes=axis_values.reduce,
        formula=formulas.vector_norm)  # fmt: skip
kernels("_weight_norm_interface", "norm")
kernels("_softmax _safe_softmax _log_softmax", "softmax", axes=keep_first, shape="softmax")

# Choices
kernels("topk", "route", axes=axis_values.pick, shape="topk", traits=("picks",))
kernels("kthvalue", "route", axes=axis_values.pick, traits=("picks",))
kernels("sort argsort", "route", "sort", axes=axis_values.sort, traits=("picks",))
kernels("multinomial", "route", "sample", traits=("picks",))
kernels("index_add scatter_add", "route", "scatter", axes=keep_first, traits=("sums",))
kernels("scatter_reduce", "route", "scatter", traits=("sums",))
kernels("scatter", "route", "scatter", axes=keep_first, shape="scatter")
kernels("masked_scatter", "route", "scatter", axes=keep_first, traits=("writes",))
kernels("index_reduce", "route", "scatter")
kernels("index_put setitem", "route", "write", axes=keep_first, traits=("writes",))
kernels("index_copy", "route", "write", axes=keep_first)
kernels("_index_put_impl_", "route", axes=keep_first, traits=("writes",))
kernels("nonzero", "route", traits=("finds",))
kernels("_unique2", "route", "unique")
kernels("bincount histc unique_dim searchsorted bucketize masked_select unique_consecutive put nonzero_static argwhere"
        " _unsafe_index_put msort unique_dim_consecutive histogram combinations", "route")  # fmt: skip

# Reductions
kernels("sum", "reduce", axes=axis_values.reduce, formula=sum, shape="mean", traits=("sums",))
kernels("mean", "reduce", axes=axis_values.reduce, formula=formulas.mean, shape="mean")
kernels("var", "reduce", axes=axis_values.reduce, formula=formulas.var)
kernels("std", "reduce", axes=axis_values.reduce, formula=formulas.std)
kernels("var_mean", "reduce", axes=axis_values.reduce, formula=formulas.var_mean)
kernels("amax", "reduce", "maximum", axes=axis_values.reduce, formula=max, traits=("peak",))
kernels("max", "reduce", "maximum", axes=axis_values.reduce, traits=("peak", "best"))
kernels("argmax", "reduce", axes=axis_values.reduce, traits=("best",))
kernels("amin", "reduce", "minimum", axes=axis_values.reduce, formula=min)
kernels("min", "reduce", "minimum", axes=axis_values.reduce)
kernels("norm", "reduce", "norm", axes=axis_values.reduce, formula=lambda x, p=2: formulas.vector_norm(x, p))
kernels("mode", "reduce", axes=axis_values.pick)
kernels("std_mean prod any all argmin logsumexp median nansum", "reduce", axes=axis_values.reduce)
kernels("cumsum", "reduce", "running sum", axes=keep_first)
kernels("cumprod logcumsumexp cummax cummin", "reduce", axes=keep_first)
kernels("max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d"
        " max_pool2d_with_indices max_pool3d_with_indices fractional_max_pool2d fractional_max_pool3d", "reduce",
        "max pool")  # fmt: skip
kernels("avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d"
        " _adaptive_avg_pool2d _adaptive_avg_pool3d", "reduce", "average pool")  # fmt: skip
kernels("dist _cdist_forward _pdist_forward _euclidean_dist cdist pdist pairwise_distance", "reduce", "distance")
kernels("mse_loss smooth_l1_loss huber_loss binary_cross_entropy nll_loss_forward nll_loss2d_forward soft_margin_loss"
        " multi_margin_loss multilabel_margin_loss_forward _ctc_loss aminmax nanmedian count_nonzero trace _aminmax"
        " _unique segment_reduce", "reduce")  # fmt: skip

# Linear algebra
kernels("linalg_solve_triangular triangular_solve cholesky_solve linalg_lstsq linalg_solve", "algebra", "solve")
kernels("inverse inv linalg_inv linalg_pinv pinverse", "algebra", "inverse")
kernels("linalg_cholesky_ex cholesky cholesky_inverse _cholesky_solve_helper linalg_inv_ex _linalg_solve_ex _linalg_det"
        " _linalg_slogdet _linalg_svd _linalg_eigh _linalg_eigvals linalg_eig linalg_eigvals linalg_qr geqrf orgqr"
        " ormqr linalg_householder_product linalg_lu linalg_lu_factor_ex linalg_lu_solve _lu_with_info lu_unpack"
        " _trilinear linalg_matrix_exp linalg_ldl_factor_ex linalg_ldl_solve", "algebra")  # fmt: skip

# Joining, padding, resizing
kernels("cat concat concatenate hstack vstack dstack column_stack", "cat", "concat", axes=layout.cat, shape="cat",
        traits=("rotates",))  # fmt: skip
kernels("stack", "cat", "concat", axes=layout.stack, shape="stack", traits=("rotates",))
kernels("copy", "cat", "write", axes=axis_values.copy, traits=("overwrites",))
kernels("constant_pad_nd", "cat", "pad", traits=("alone",))
kernels("pad reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d"
        " _pad_circular", "cat", "pad")  # fmt: skip
kernels("interpolate upsample upsample_linear1d upsample_bilinear2d upsample_bicubic2d upsample_trilinear3d"
        " upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d _upsample_nearest_exact2d"
        " _upsample_nearest_exact3d _upsample_bilinear2d_aa _upsample_bicubic2d_aa", "cat", "resize")  # fmt: skip
kernels("_pack_padded_sequence", "cat", "pack")
kernels("_pad_packed_sequence", "cat", "unpack")
kernels("im2col", "cat", "unfold", traits=("alone",))
kernels("col2im fold", "cat", "fold")
kernels("pixel_shuffle pixel_unshuffle grid_sampler_2d grid_sampler_3d cudnn_grid_sampler _grid_sampler_2d_cpu_fallback"
        " max_unpool2d max_unpool3d block_diag", "cat")  # fmt: skip

# Arithmetic
kernels("add iadd radd", "pointwise", "add", shape="same", traits=("keeps form",),
        formula=lambda x, other, alpha=1: x + alpha * other)  # fmt: skip
kernels("sub isub subtract", "pointwise", "subtract", shape="same", traits=("rotates",),
        formula=lambda x, other, alpha=1: x - alpha * other)  # fmt: skip
kernels("rsub", "pointwise", "subtract", formula=lambda x, other, alpha=1: other - alpha * x)
kernels("mul imul rmul multiply", "pointwise", "multiply", shape="same", formula=lambda x, other: x * other,
        traits=("keeps form",))  # fmt: skip
kernels("div idiv rdiv truediv itruediv rtruediv true_divide divide", "pointwise", "divide", shape="floating",
        formula=lambda x, other: x / other)  # fmt: skip
kernels("floordiv floor_divide", "pointwise", "divide", formula=lambda x, other: x // other)
kernels("pow ipow rpow", "pointwise", "power", shape="same", formula=formulas.power)
kernels("neg negative", "pointwise", "negate", shape="same", formula=lambda x: -x, traits=("rotates",))
kernels("square", "pointwise", formula=lambda x: x * x)
kernels("reciprocal", "pointwise", shape="floating", formula=lambda x: 1 / x)
kernels("sqrt", "pointwise", shape="floating", formula=math.sqrt)
kernels("rsqrt", "pointwise", shape="floating", formula=lambda x: 1 / math.sqrt(x))
kernels("abs", "pointwise", shape="same", formula=abs)
kernels("exp", "pointwise", shape="floating", formula=math.exp)
kernels("log", "pointwise", shape="floating", formula=math.log)
kernels("exp2", "pointwise", formula=lambda x: 2**x)
kernels("expm1", "pointwise", formula=math.expm1)
kernels("log1p", "pointwise", formula=math.log1p)
kernels("sin", "pointwise", shape="floating", formula=math.sin, traits=("angle",))
kernels("cos", "pointwise", shape="floating", formula=math.cos, traits=("angle",))
kernels("erf", "pointwise", shape="floating", formula=math.erf)
kernels("maximum fmax", "pointwise", "maximum", shape="same", formula=max)
kernels("minimum fmin", "pointwise", "minimum", shape="same", formula=min)
kernels("clamp clip", "pointwise", "clamp", shape="same", formula=formulas.clamp, traits=("keeps form",))
kernels("clamp_min", "pointwise", "clamp", formula=formulas.clamp, traits=("keeps form",))
kernels("clamp_max", "pointwise", "clamp", formula=lambda x, max_: formulas.clamp(x, max_=max_))
kernels("addcmul", "pointwise", formula=lambda x, tensor1, tensor2, value=1: x + value * tensor1 * tensor2)
kernels("addcdiv", "pointwise", formula=lambda x, tensor1, tensor2, value=1: x + value * tensor1 / tensor2)
kernels("lerp", "pointwise", formula=lambda x, end, weight: x + weight * (end - x))

# Activations
kernels("relu", "pointwise", "ReLU", activation="ReLU", shape="same", formula=formulas.relu)
kernels("relu6", "pointwise", "ReLU", activation="ReLU6", formula=lambda x: formulas.clamp(x, 0, 6))
kernels("gelu", "pointwise", "GELU", activation="GELU", shape="floating", formula=formulas.gelu)
kernels("silu", "pointwise", "SiLU", activation="SiLU", shape="floating", formula=lambda x: x * formulas.sigmoid(x))
kernels("sigmoid", "pointwise", activation="Sigmoid", shape="floating", formula=formulas.sigmoid)
kernels("tanh", "pointwise", activation="Tanh", shape="floating", formula=math.tanh)
kernels("softplus", "pointwise", activation="Softplus", formula=formulas.softplus)
kernels("mish", "pointwise", "Mish", activation="Mish", formula=lambda x: x * math.tanh(formulas.softplus(x)))
kernels("elu", "pointwise", "ELU", activation="ELU", formula=formulas.elu)
kernels("leaky_relu", "pointwise", "LeakyReLU", activation="LeakyReLU", formula=lambda x, negative_slope=0.01:
        x if x > 0 else x * negative_slope)  # fmt: skip
kernels("hardtanh", "pointwise", activation="Hardtanh", formula=formulas.hardtanh)
kernels("hardsigmoid", "pointwise", activation="Hardsigmoid", formula=lambda x: formulas.clamp(x + 3, 0, 6) / 6)
kernels("hardswish", "pointwise", activation="Hardswish", formula=lambda x: x * formulas.clamp(x + 3, 0, 6) / 6)
kernels(
    "prelu _prelu_kernel",
    "pointwise",
    "PReLU",
    activation="PReLU",
    formula=lambda x, weight: x if x > 0 else x * weight,
)
kernels("log_sigmoid log_sigmoid_forward", "pointwise", "LogSigmoid", activation="LogSigmoid",
        formula=lambda x: math.log(formulas.sigmoid(x)))  # fmt: skip
kernels("selu", "pointwise", "SELU", activation="SELU", formula=formulas.selu)
kernels("celu", "pointwise", "CELU", activation="CELU", formula=lambda x, alpha=1: formulas.elu(x, alpha, 1, 1 / alpha))
kernels("glu", "pointwise", "GLU", activation="GLU")

# Comparisons and masks
kernels("eq", "pointwise", "compare", shape="comparing", formula=lambda x, other: x == other)
kernels("ne", "pointwise", "compare", shape="comparing", formula=lambda x, other: x != other)
kernels("gt", "pointwise", "compare", shape="comparing", formula=lambda x, other: x > other)
kernels("lt", "pointwise", "compare", shape="comparing", formula=lambda x, other: x < other)
kernels("ge", "pointwise", "compare", shape="comparing", formula=lambda x, other: x >= other)
kernels("le", "pointwise", "compare", shape="comparing", formula=lambda x, other: x <= other)
kernels("where", "pointwise", "choose", axes=axis_values.where, shape="where", traits=("hides", "keeps form"),
        formula=lambda condition, self, other: self if condition else other)  # fmt: skip
kernels("masked_fill", "pointwise", "mask", shape="masked_fill", traits=("hides", "keeps form"),
        formula=lambda x, mask, value: value if mask else x)  # fmt: skip
kernels("tril triu", "pointwise", "mask", axes=keep_first, shape="triangle", traits=("hides",))

# Gradients, where a pass asks for them
kernels("threshold_backward", "pointwise", "ReLU gradient", axes=keep_first)
kernels("gelu_backward", "pointwise", "GELU gradient", axes=keep_first)
kernels("silu_backward glu_backward tanh_backward sigmoid_backward elu_backward leaky_relu_backward softplus_backward"
        " mish_backward hardswish_backward hardsigmoid_backward hardtanh_backward log_sigmoid_backward"
        " hardshrink_backward _prelu_kernel_backward", "pointwise", "activation gradient", axes=keep_first)  # fmt: skip
kernels("_softmax_backward_data _log_softmax_backward_data", "pointwise", "softmax gradient", axes=keep_first)
kernels("mse_loss_backward smooth_l1_loss_backward huber_loss_backward binary_cross_entropy_backward"
        " nll_loss_backward nll_loss2d_backward _ctc_loss_backward", "pointwise", "loss gradient")  # fmt: skip
kernels("native_layer_norm_backward native_group_norm_backward native_batch_norm_backward _fused_rms_norm_backward",
        "reduce", "norm gradient", axes=keep_first)  # fmt: skip
kernels("convolution_backward", "reduce", "convolution gradient", axes=keep_first)
kernels("max_pool2d_with_indices_backward max_pool3d_with_indices_backward avg_pool2d_backward avg_pool3d_backward"
        " _adaptive_avg_pool2d_backward adaptive_max_pool2d_backward upsample_nearest2d_backward", "reduce",
        "pool gradient")  # fmt: skip
kernels("select_backward slice_backward", "cat", "write")
kernels("embedding_dense_backward", "route", "scatter")

# Other element-wise kernels
kernels("fill zero", "pointwise", axes=keep_first, traits=("overwrites",))
kernels("slice_scatter select_scatter", "pointwise", "write", axes=keep_first)
kernels("index_fill", "pointwise", "write", axes=keep_first, traits=("writes",))
kernels("bernoulli", "pointwise", "sample", axes=keep_first)
kernels("flip", "pointwise", axes=keep_first, shape="flip", traits=("rotates",))
kernels("roll", "pointwise", axes=keep_first, traits=("rotates",))
kernels("_conj native_dropout", "pointwise", axes=keep_first)
kernels("complex", "pointwise", traits=("rotates",))
kernels("polar", "pointwise", traits=("angle",))
kernels("view_as_complex", "pointwise", axes=layout.pair, traits=("rotates",))
kernels("view_as_real", "pointwise", axes=layout.unpair)
kernels("_fft_c2c _fft_r2c _fft_c2r stft", "pointwise", "Fourier transform", traits=("alone",))
kernels("fft_fft fft_ifft fft_rfft fft_irfft fft_fft2 fft_ifft2 fft_rfft2 fft_irfft2 fft_fftn fft_ifftn istft",
        "pointwise", "Fourier transform")  # fmt: skip
kernels("log2 log10 tan sinh cosh atan atan2 asin acos threshold fmod remainder floor ceil round trunc frac sign erfc"
        " logical_and logical_or logical_not logical_xor bitwise_and bitwise_or bitwise_not bitwise_xor isnan isinf"
        " isfinite isin nan_to_num sgn bitwise_left_shift bitwise_right_shift __and__ __or__ angle real imag lgamma"
        " digamma i0 softshrink hardshrink rrelu_with_noise xlogy addr ger asinh acosh atanh erfinv logit copysign"
        " frexp ldexp nextafter signbit isposinf isneginf gcd lcm igamma igammac mvlgamma polygamma logaddexp2 rad2deg"
        " deg2rad positive float_power rrelu channel_shuffle native_channel_shuffle _thnn_fused_lstm_cell"
        " _thnn_fused_gru_cell renorm rot90 vander affine_grid_generator fake_quantize_per_tensor_affine"
        " quantize_per_tensor dequantize _fake_quantize_per_tensor_affine_cachemask_tensor_qparams"
        " fake_quantize_per_channel_affine_cachemask fake_quantize_per_tensor_affine_cachemask quantize_per_channel"
        " glu_jvp logaddexp sinc hypot _conj_physical conj_physical heaviside diagonal_scatter as_strided_scatter"
        " _weight_norm cross", "pointwise")  # fmt: skip

# Layout
kernels("_to_copy", "cast", axes=keep_first)
kernels("view _unsafe_view reshape _reshape_alias view_copy _reshape_copy squeeze", "layout", axes=layout.regroup)
kernels("t numpy_T adjoint mT matrix_H t_copy", "layout", axes=layout.turn)
kernels("transpose swapaxes swapdims", "layout", axes=layout.swap)
kernels("permute permute_copy", "layout", axes=layout.permute)
kernels("unsqueeze", "layout", axes=layout.unsqueeze)
kernels("expand", "layout", axes=layout.expand)
kernels("repeat", "layout", axes=layout.repeat)
kernels("select", "layout", axes=layout.select)
kernels("slice narrow", "layout", axes=layout.cut)
kernels("split split_with_sizes chunk tensor_split split_copy split_with_sizes_copy", "layout", axes=layout.split)
kernels("unbind", "layout", axes=layout.unbind)
kernels("clone", "layout", axes=keep_first, shape="clone")
kernels("detach alias lift_fresh contiguous _neg_view", "layout", axes=keep_first)
kernels("unfold", "layout", "unfold")
kernels("as_strided diagonal expand_as view_as movedim repeat_interleave resize_ set_ lift to slice_copy unsafe_split"
        " diag diag_embed", "layout")  # fmt: skip

# Constants
kernels("empty new_empty empty_strided new_empty_strided empty_permuted", "layout", factory=True, value="unknown")
kernels("empty_like", "layout", axes=fresh, factory=True, value="unknown")
kernels("zeros_like", "layout", axes=fresh, factory=True, value="shape_only", formula=lambda: 0)
kernels("ones_like", "layout", axes=fresh, factory=True, value="shape_only", shape="like", formula=lambda: 1)
kernels("full_like", "layout", axes=fresh, factory=True, value="shape_only", formula=lambda fill_value: fill_value)
kernels("new_zeros new_ones new_full", "layout", factory=True, value="shape_only")
kernels("zeros", "layout", factory=True, formula=lambda: 0)
kernels("ones", "layout", factory=True, formula=lambda: 1)
kernels("full", "layout", factory=True, formula=lambda fill_value: fill_value)
kernels("scalar_tensor", "layout", factory=True, shape="scalar", formula=lambda s: s)
kernels("rand_like randn_like", "layout", axes=fresh, factory=True)
kernels("normal uniform", "layout", axes=keep_first, factory=True)
kernels("arange", "layout", factory=True, shape="arange")
kernels("linspace eye rand randn randint randperm tril_indices triu_indices randint_like"
        " logspace bartlett_window hann_window lift_fresh_copy exponential random hamming_window blackman_window",
        "layout", factory=True)  # fmt: skip

# Ranks that talk to each other
kernels("allreduce allreduce_coalesced all_reduce all_reduce_coalesced", "collective", "all-reduce",
        axes=keep_first, talk="all_reduce")  # fmt: skip
kernels("_allgather_base allgather allgather_coalesced allgather_into_tensor_coalesced all_gather_into_tensor"
        " all_gather_into_tensor_out all_gather_into_tensor_coalesced", "collective", "all-gather",
        axes=keep_first, talk="all_gather")  # fmt: skip
kernels(
    "_reduce_scatter_base reduce_scatter reduce_scatter_tensor_coalesced reduce_scatter_tensor"
    " reduce_scatter_tensor_out",
    "collective",
    "reduce-scatter",
    axes=keep_first,
    talk="reduce_scatter",
)
kernels("alltoall alltoall_base all_to_all_single shard_dim_alltoall", "collective", "all-to-all", axes=keep_first,
        talk="all_to_all")  # fmt: skip
kernels("broadcast", "collective", axes=keep_first, talk="broadcast")
kernels("reduce", "collective", axes=keep_first, talk="reduce")
kernels("send isend", "collective", "send", axes=keep_first, talk="send")
kernels("recv recv_any_source irecv", "collective", "receive", axes=keep_first, talk="receive")
kernels("wait_tensor _wrap_tensor_autograd", "layout", axes=keep_first)

# What reads values
kernels("_local_scalar_dense item", "read", "item")
kernels("_assert_async", "read", value="assertion")
kernels("equal is_nonzero _assert_tensor_metadata sym_size _assert_scalar", "read")
