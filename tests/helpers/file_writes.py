"""Where a module writes files: calls that write to a path which is not a temporary one of ``TauAdv.io``.

A path is temporary if it comes from one of ``SOURCES`` in the same function, or is made of such a path; or if it is a
parameter of a function that is registered as a writer (of the constructor of a class: then what its objects keep is, too):
whoever calls a writer is held to the same rule.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

#: Context managers of TauAdv/io that give temporary paths.
SOURCES = {"new_file", "new_listed_file", "new_folder", "scratch_folder", "resumable_folder"}
RECEIVER = -1
#: Call -> which of its arguments is the path that it writes.
WRITES = {
    **dict.fromkeys(("write_text", "write_bytes", "touch", "symlink_to", "hardlink_to"), RECEIVER),
    **dict.fromkeys(("savez", "savez_compressed", "savetxt", "tofile", "save", "save_weights", "savefig", "imsave"), 0),
    **dict.fromkeys(("to_csv", "to_feather", "to_parquet", "to_hdf", "to_pickle", "to_excel"), 0),
    **dict.fromkeys(("recreate", "uproot.update", "OSFile", "output_stream", "ipc.new_file", "ipc.new_stream"), 0),
    **dict.fromkeys(("write_feather", "h5py.File", "ZipFile", "FileOutputStream"), 0),
    **dict.fromkeys(("copyfile", "copy2", "copytree", "shutil.copy", "shutil.move", "saved_model.save"), 1),
}
#: Those that also read: position of the mode. Without one they read.
MODES = {"open": 1, "OSFile": 1, "h5py.File": 1, "ZipFile": 1}
#: Never outside of TauAdv/io, whatever the path: they remove or replace what may be somebody's, or hide where it is.
FORBIDDEN = {
    *("rmtree", "os.remove", "os.rename", "os.replace", "os.rmdir", "os.truncate", "removedirs", "rename"),
    *("mkstemp", "mkdtemp", "NamedTemporaryFile", "TemporaryDirectory"),
}


@dataclass(frozen=True)
class Write:
    """A call that writes to a path that is not temporary."""

    function: str
    call: str
    line: int


def writes_of(text: str, writers: Mapping[str, tuple[int, str]]) -> list[Write]:
    """Return the calls of a module that write where they should not.

    Args:
        text: of the module.
        writers: registered functions and classes by name -> position and name of the parameter that is a temporary path.
    """
    found = []
    for name, function in _functions(ast.parse(text)):
        temporary = _temporary_names(name, function, writers)
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                call, target = _written(node, writers)
                if target is not None and not _is_temporary(target, temporary):
                    found.append(Write(name, call, node.lineno))
    return found


def _functions(tree: ast.AST, within: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield the module, functions and methods with their names; nested functions belong to the one around them."""
    blocks = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    yield within or "module", ast.Module([node for node in tree.body if not isinstance(node, blocks)], [])
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, node.name)
        elif isinstance(node, blocks):
            yield f"{within}.{node.name}" if within else node.name, node


def _written(node: ast.Call, writers: Mapping[str, tuple[int, str]]) -> tuple[str, ast.AST | None]:
    """Return what is called, and the path that it writes to; ``None`` if it writes none."""
    *owners, name = _words(node.func)
    names = [f"{owners[-1]}.{name}", name] if owners else [name]
    for called in names:
        if called in FORBIDDEN or (name == "replace" and owners and len(node.args) == 1 and not node.keywords):
            return called, ast.Constant("forbidden")
        if called in writers:
            return called, _argument(node, *writers[called])
        if WRITES.get(called) == RECEIVER:  # without one it is the function of TauAdv/io
            return called, node.func.value if owners else None
        if called in WRITES and not (called in MODES and not _opens_for_writing(node, MODES[called])):
            return names[0], _argument(node, WRITES[called])
    if name == "open" and owners[-1:] not in (["os"], []):  # of a path: its mode comes first
        return name, node.func.value if _opens_for_writing(node, 0) else None
    if name == "open":
        return name, _argument(node, 0) if owners or _opens_for_writing(node, 1) else None
    return name, None


def _words(function: ast.AST) -> list[str]:
    """Return ``["pa", "ipc", "new_file"]`` of ``pa.ipc.new_file``; what is computed is ``""``."""
    if isinstance(function, ast.Attribute):
        return [*_words(function.value), function.attr]
    return [function.id if isinstance(function, ast.Name) else ""]


def _argument(node: ast.Call, position: int, name: str = "") -> ast.AST:
    named = [word.value for word in node.keywords if word.arg == name]
    return (named or node.args[position : position + 1] or [word.value for word in node.keywords] or [node])[0]


def _opens_for_writing(node: ast.Call, position: int) -> bool:
    given = [word.value for word in node.keywords if word.arg == "mode"] + node.args[position : position + 1]
    texts = [str(mode.value) for mode in given if isinstance(mode, ast.Constant) and isinstance(mode.value, str)]
    return any(len(text) <= 3 and set(text) & set("wax+") for text in texts)


def _temporary_names(name: str, function: ast.AST, writers: Mapping[str, tuple[int, str]]) -> set[str]:
    found = {writers[word][1] for word in name.split(".") if word in writers}
    if "." in name and name.split(".")[0] in writers:
        found |= {kept for kept in _names(function) if kept.startswith("self.")}
    bindings = list(_bindings(function))
    while more := {bound for value, names in bindings if _is_temporary(value, found) for bound in names} - found:
        found |= more
    return found


def _bindings(function: ast.AST) -> Iterator[tuple[ast.AST, set[str]]]:
    """Yield what is bound to which names."""
    for node in ast.walk(function):
        if isinstance(node, ast.withitem) and node.optional_vars is not None:
            yield node.context_expr, _names(node.optional_vars)
        elif isinstance(node, ast.Assign):
            yield node.value, {name for target in node.targets for name in _names(target)}
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            yield node.value, _names(node.target)
        elif isinstance(node, ast.For | ast.comprehension):
            yield node.iter, _names(node.target)


def _names(node: ast.AST) -> set[str]:
    """Return the names in an expression; attributes of ``self`` as ``self.name``."""
    found = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return found - {"self"} | {
        f"self.{inner.attr}"
        for inner in ast.walk(node)
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name) and inner.value.id == "self"
    }


def _is_temporary(node: ast.AST, temporary: set[str]) -> bool:
    called = {_words(inner.func)[-1] for inner in ast.walk(node) if isinstance(inner, ast.Call)}
    return bool(called & SOURCES or _names(node) & temporary)
