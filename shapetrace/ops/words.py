"""What people call an operation: ``mul`` and ``imul`` are both "multiply"."""

from collections.abc import Iterable

_NAMES = {
    "multiply": "mul imul rmul multiply",
    "add": "add iadd radd",
    "subtract": "sub isub rsub subtract",
    "divide": "div idiv rdiv truediv itruediv rtruediv true_divide divide floordiv floor_divide",
    "power": "pow ipow rpow",
    "negate": "neg negative",
    "clamp": "clamp clamp_min clamp_max clip",
    "mask": "masked_fill tril triu",
    "choose": "where",
    "write": "setitem index_put copy slice_scatter select_scatter index_copy index_fill",
    "scatter": "masked_scatter scatter index_add scatter_add scatter_reduce index_reduce",
    "running sum": "cumsum",
    "maximum": "max amax maximum",
    "minimum": "min amin minimum",
    "norm": "norm linalg_vector_norm linalg_norm vector_norm",
    "concat": "cat stack concat concatenate hstack vstack dstack column_stack",
    "pad": "pad constant_pad_nd reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d",
    "max pool": "max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d",
    "average pool": "avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d",
    "resize": "interpolate upsample",
    "unfold": "unfold im2col",
    "fold": "fold col2im",
    "sort": "sort argsort",
    "distance": "cdist pdist pairwise_distance",
    "solve": "linalg_solve linalg_solve_triangular triangular_solve cholesky_solve linalg_lstsq",
    "ReLU": "relu relu6",
    "GELU": "gelu",
    "SiLU": "silu",
    "inverse": "inv linalg_inv inverse linalg_pinv pinverse",
    "sample": "multinomial bernoulli",
    "Fourier transform": "fft_fft fft_ifft fft_rfft fft_irfft fft_fft2 fft_ifft2 fft_rfft2 fft_irfft2 fft_fftn"
    " fft_ifftn stft istft",
}
_WORD_OF = {name: word for word, names in _NAMES.items() for name in names.split()}
_MOST_WORDS = 3


def word_of(name: str) -> str:
    """One operation in a word: what no table knows keeps its own name."""
    plain = name.removeprefix("aten.").strip("_")
    if plain.endswith("_loss") or plain.startswith(("cross_entropy", "binary_cross_entropy")):
        return "loss"
    return _WORD_OF.get(plain, plain)


def title_of(names: Iterable[str]) -> str:
    """A run of operations in a few words: ``Multiply, sum``."""
    words = list(dict.fromkeys(map(word_of, names)))
    title = ", ".join(words[:_MOST_WORDS]) + (" …" if len(words) > _MOST_WORDS else "")
    return title[:1].upper() + title[1:]
