"""Docstrings of what is public name every parameter, and say what comes back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "openmm_anion"
MODULES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
CLASSES = {
    node.name: node for module in MODULES.values() for node in module.body if isinstance(node, ast.ClassDef)
}


def overrides(method: ast.FunctionDef, of: ast.ClassDef) -> bool:
    """Whether a base class of the package has the method, and says what it takes and returns."""
    bases = [CLASSES[name] for name in map(ast.unparse, of.bases) if name in CLASSES]
    return any(
        method.name in [node.name for node in base.body if isinstance(node, ast.FunctionDef)]
        or overrides(method, base)
        for base in bases
    )


def public() -> Iterator[tuple[str, ast.FunctionDef, list[str]]]:
    """Name, function and parameters of functions and methods, but for properties and what overrides."""
    for path, module in MODULES.items():
        where = path.relative_to(PACKAGE)
        classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
        for owner in [None, *(one for one in classes if not one.name.startswith("_"))]:
            for node in module.body if owner is None else owner.body:
                if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                    continue
                marks = {ast.unparse(mark) for mark in node.decorator_list}
                if any(mark.endswith(("property", ".setter")) for mark in marks):
                    continue
                if owner is not None and overrides(node, owner):
                    continue
                arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
                names = [argument.arg for argument in arguments]
                names += [one.arg for one in (node.args.vararg, node.args.kwarg) if one is not None]
                bound = owner is not None and "staticmethod" not in marks
                yield f"{where}:{node.lineno} {node.name}", node, names[bound:]


def lacks(node: ast.FunctionDef, names: list[str]) -> list[str]:
    text = ast.get_docstring(node) or ""
    parts = dict(re.findall(r"^(\w+)\n-+\n(.*?)(?=^\w+\n-+\n|\Z)", text, flags=re.M | re.S))
    named = re.findall(r"\w+", " ".join(re.findall(r"^\S.*", parts.get("Parameters", ""), flags=re.M)))
    found = [f"parameter {name}" for name in names if name not in named]
    returns = "None" if node.returns is None else ast.unparse(node.returns)
    if returns not in ("None", "NoReturn") and not parts.keys() & {"Returns", "Yields"}:
        found.append("what it returns")
    return found


def test_parameters_and_results_are_described() -> None:
    documented = list(public())
    assert len(documented) > 500
    assert [f"{name} lacks {what}" for name, node, names in documented for what in lacks(node, names)] == []


def test_a_gap_is_seen() -> None:
    code = (
        'def f(x: int, y: int) -> int:\n    """Add.\n\n    Parameters\n    ----------\n    x : int\n    """'
    )
    (node,) = ast.parse(code).body
    assert isinstance(node, ast.FunctionDef)
    assert lacks(node, ["x", "y"]) == ["parameter y", "what it returns"]
