"""Small JavaScript modules as one script: each in a scope of its own, after those that it imports.

A page that is one file has no others to import. What a reader of its source sees are the modules as they stand in
``templates/explorer``, with the lines that import and export replaced.
"""

import re
from collections.abc import Callable

from shapetrace.errors import UsageError

_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./([a-z_]+)\.js";\n', re.MULTILINE)
_OTHER_IMPORT = re.compile(r"^import .*", re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|const|let|class) (\w+))", re.MULTILINE)
_EMPTY_EXPORT = re.compile(r"^export \{\};\n", re.MULTILINE)
_ENDS_SCRIPT = re.compile(r"</script|<!--", re.IGNORECASE)


def bundle(entry: str, read: Callable[[str], str]) -> str:
    """Join a module and all that it imports.

    Imports are written ``import { a, b } from "./file.js";`` and exports stand in front of what they export.

    Args:
        entry: Name of the first module, without its suffix.
        read: Gives the text of a file.

    Raises:
        UsageError: If modules import each other in a circle, one imports in another way, or holds what would end the
            script of a page.
    """
    texts: dict[str, str] = {}
    _gather(entry, read, texts, ())
    return "".join(map(_scoped, texts, texts.values()))


def _gather(name: str, read: Callable[[str], str], texts: dict[str, str], above: tuple[str, ...]) -> None:
    """Put a module behind those that it needs."""
    if name in texts:
        return
    if name in above:
        raise UsageError(f"{name}.js imports itself, through {', '.join(above[above.index(name) + 1 :]) or 'itself'}")
    text = read(f"{name}.js")
    if _ENDS_SCRIPT.search(text):
        raise UsageError(f"{name}.js holds </script or <!--, which would end the script: write it in two pieces")
    for _, other in _IMPORT.findall(text):
        _gather(other, read, texts, (*above, name))
    texts[name] = text


def _scoped(name: str, text: str) -> str:
    exported = [found[1] for found in _EXPORT.findall(text)]
    plain = _IMPORT.sub(r"const \1 = \2_js;\n", _EMPTY_EXPORT.sub("", _EXPORT.sub(r"\1", text)))
    if odd := _OTHER_IMPORT.search(plain):
        raise UsageError(f'{name}.js: expected import {{ a, b }} from "./file.js";, got {odd[0]}')
    given = f"return {{ {', '.join(exported)} }};\n" if exported else ""
    return f"const {name}_js = (() => {{\n{plain}{given}}})();\n\n"
