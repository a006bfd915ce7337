"""Numbers as people read them."""

_UNITS = ("", "K", "M", "G", "T", "P", "E", "Z")
_BILLIONS = ("", "K", "M", "B", "T", "P", "E", "Z")


def exact(number: int) -> str:
    """Every digit, in groups of three: 124439808 -> ``124,439,808``."""
    return f"{number:,}"


def short(number: int, *, digits: int = 2, units: tuple[str, ...] = _UNITS) -> str:
    """A few digits and a unit: 1207959552 -> ``1.21 G``; below 1000 every digit."""
    value, power = float(number), 0
    while round(abs(value), digits) >= 1000 and power < len(units) - 1:
        value, power = value / 1000, power + 1
    return f"{value:.{digits}f} {units[power]}" if power else str(number)


def short_count(number: int) -> str:
    """Parameters in short: 590592 -> ``590.6 K``, 405853388800 -> ``405.9 B``."""
    return short(number, digits=1, units=_BILLIONS)


def n_bytes(number: int) -> str:
    """Bytes in short: 234881024 -> ``234.88 MB``."""
    return f"{short(number)}{'' if number >= 1000 else ' '}B"


def percent(part: int, whole: int) -> str:
    """A share with one decimal: ``31.7 %``."""
    return f"{100 * part / whole:.1f} %" if whole else "–"
