"""Copy functions of this package, with all definitions that they use, into the text of one Python module.

The source text is copied, so comments and docstrings are kept. Imports from other packages become imports of the
module. For an import from this package, the imported definition is copied.
"""

import ast
import importlib
import inspect
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from graphlib import TopologicalSorter

_PACKAGE = "recipe_mpr_task"


@dataclass(frozen=True)
class Bundle:
    """The text of copied definitions.

    Attributes:
        imports: import statements that the definitions need, sorted, with the standard library first.
        code: source text of the definitions, each before its first use.
    """

    imports: str
    code: str


@dataclass(frozen=True)
class _Module:
    name: str

    @cached_property
    def _text(self) -> str:
        return inspect.getsource(importlib.import_module(self.name))

    @cached_property
    def _statements(self) -> list[ast.stmt]:
        return ast.parse(self._text).body

    @cached_property
    def definitions(self) -> Mapping[str, int]:
        """For each function, class and constant: name to index of its statement."""
        return {name: index for index, stmt in enumerate(self._statements) for name in _defined_by(stmt)}

    @cached_property
    def imports(self) -> Mapping[str, tuple[str, str | None]]:
        """For each import: local name to (module, imported name). For `import MODULE`, the imported name is None."""
        found: dict[str, tuple[str, str | None]] = {}
        for stmt in self._statements:
            if isinstance(stmt, ast.Import):
                found.update({alias.name: (alias.name, None) for alias in stmt.names})
            elif isinstance(stmt, ast.ImportFrom) and stmt.module:
                found.update({alias.name: (stmt.module, alias.name) for alias in stmt.names})
        return found

    def used_by(self, name: str) -> set[str]:
        """Return the names that a definition uses."""
        return {n.id for n in ast.walk(self._statements[self.definitions[name]]) if isinstance(n, ast.Name)}

    def source(self, index: int) -> str:
        """Return a statement's text, with the comments above the statement and the docstring below a constant."""
        start = (self._statements[index - 1].end_lineno or 0) if index else 0
        last = self._statements[index]
        following = self._statements[index + 1 : index + 2]
        if following and isinstance(following[0], ast.Expr) and not isinstance(last, ast.FunctionDef | ast.ClassDef):
            last = following[0]
        return "\n".join(self._text.splitlines()[start : last.end_lineno]).strip("\n")

    def is_short(self, index: int) -> bool:
        """Return whether a statement is a constant, which needs no blank lines around it."""
        return isinstance(self._statements[index], ast.Assign | ast.AnnAssign)


def _defined_by(stmt: ast.stmt) -> Iterator[str]:
    if isinstance(stmt, ast.FunctionDef | ast.ClassDef):
        yield stmt.name
    elif isinstance(stmt, ast.Assign):
        yield from (target.id for target in stmt.targets if isinstance(target, ast.Name))
    elif isinstance(stmt, ast.AnnAssign) and isinstance(stmt.target, ast.Name):
        yield stmt.target.id


_module = lru_cache(_Module)


def bundle(wanted: Iterable[tuple[str, str]], also: Iterable[tuple[str, str | None]] = ()) -> Bundle:
    """Return definitions of this package as text, with all definitions that they use.

    Args:
        wanted: pairs of a module of this package and a name that the module defines, such as ("metrics",
            "letter_metrics").
        also: further imports, as pairs of a module and the imported name. For `import MODULE`, the name is None.

    Raises:
        ValueError: two modules define the same name, so one copy would replace the other.
    """
    copied = _Copied()
    for module, name in wanted:
        copied.add(f"{_PACKAGE}.{module}", name)
    if repeated := copied.repeated():
        raise ValueError(f"names defined in two modules: {', '.join(repeated)}; rename each in one of its modules")
    modules = TopologicalSorter({module: copied.used_modules[module] for module in copied.statements}).static_order()
    texts = [_text_of(module, sorted(copied.statements[module])) for module in modules]
    return Bundle(_import_text(copied.imports | set(also)), "\n\n\n".join(texts))


def _import_text(imports: Iterable[tuple[str, str | None]]) -> str:
    names: dict[str, list[str]] = defaultdict(list)
    plain = {f"import {module}": module for module, name in imports if name is None}
    for module, name in imports:
        if name:
            names[module].append(name)
    chosen = {f"from {module} import {', '.join(sorted(of_module))}": module for module, of_module in names.items()}
    groups: dict[bool, list[str]] = {True: [], False: []}
    for statement, module in (*sorted(plain.items()), *sorted(chosen.items())):
        groups[module.partition(".")[0] in sys.stdlib_module_names].append(statement)
    return "\n\n".join("\n".join(group) for group in groups.values() if group)


class _Copied:
    """Definitions to copy.

    Attributes:
        statements: module to the indices of the statements to copy.
        used_modules: module to the modules of this package that it uses.
        imports: pairs (module, imported name) of other packages. For `import MODULE`, the name is None.
    """

    def __init__(self) -> None:
        self.statements: dict[str, set[int]] = defaultdict(set)
        self.used_modules: dict[str, set[str]] = defaultdict(set)
        self.imports: set[tuple[str, str | None]] = set()

    def add(self, module: str, name: str) -> None:
        """Add a definition and all definitions that it uses. Ignore the names of builtins and of local variables."""
        source = _module(module)
        if name in source.definitions:
            index = source.definitions[name]
            if index not in self.statements[module]:
                self.statements[module].add(index)
                for used in sorted(source.used_by(name)):
                    self.add(module, used)
        elif name in source.imports:
            origin, imported = source.imports[name]
            if imported and origin.startswith(f"{_PACKAGE}."):
                self.used_modules[module].add(origin)
                self.add(origin, imported)
            else:
                self.imports.add((origin, imported))

    def repeated(self) -> list[str]:
        """Return the copied names that more than one module defines, sorted."""
        names = [
            n for m, used in self.statements.items() for n, index in _module(m).definitions.items() if index in used
        ]
        return sorted(name for name, count in Counter(names).items() if count > 1)


def _text_of(module: str, indices: list[int]) -> str:
    source, text = _module(module), ""
    for position, index in enumerate(indices):
        if position:
            both_short = source.is_short(index) and source.is_short(indices[position - 1])
            text += "\n" if both_short else "\n\n\n"
        text += source.source(index)
    return text
