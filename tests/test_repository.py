"""The repository keeps its own rules: pins, direction of imports, notebooks without outputs, no machine paths."""

import ast
import configparser
import graphlib
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from file_writes import writes_of
from packaging.requirements import Requirement

from TauAdv.commands import SCRIPTS

STAGES = [
    "tuples",
    "jets",
    "production",
    "features",
    "shards",
    "models",
    "attacks",
    "taggers",
    "batch",
    "training",
    "evaluation",
    "plotting",
]
SIDE = {"arguments", "commands", "config", "domain", "io", "errors", "hashing", "runs", "version", "__init__"}
# the stages that each stage may read from; simulation makes tuples and lines of jets, and nothing else
MAY_IMPORT = {stage: set(STAGES[: index + 1]) for index, stage in enumerate(STAGES)} | {
    "simulation": {"tuples", "jets", "simulation"}
}
MAY_IMPORT["plotting"] = {"plotting"}  # takes tables and histograms, never files or models
MAY_IMPORT["cli"] = {*STAGES, "simulation", "cli"}  # calls all of them, and nothing calls it
MAY_IMPORT["api"] = {*STAGES, "cli", "api"}  # the same for Python; trainings are chosen as tauadv train chooses them


def tracked_files(repository: Path) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=repository, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [repository / line for line in listed.stdout.splitlines() if (repository / line).is_file()]


def requirements(repository: Path) -> dict[str, set[Requirement]]:
    parser = configparser.ConfigParser()
    parser.read(repository / "setup.cfg")

    def parse(block: str) -> set[Requirement]:
        return {Requirement(line) for line in block.splitlines() if line.strip() and not line.startswith("#")}

    found = {"base": parse(parser["options"]["install_requires"])}
    return found | {name: parse(block) for name, block in parser["options.extras_require"].items()}


def imported_modules(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_environment_has_the_pins_of_setup_cfg(repository):
    environment = yaml.safe_load((repository / "environment.yml").read_text())
    lists = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    pinned = {Requirement(line) for line in lists[0] if not line.startswith("-e")}
    wanted = requirements(repository)
    assert pinned == wanted["base"] | wanted["cpu"] | wanted["simulation"] | wanted["notebook"] | wanted["test"]


def test_environment_python_is_supported(repository):
    environment = yaml.safe_load((repository / "environment.yml").read_text())
    (python,) = [entry for entry in environment["dependencies"] if isinstance(entry, str) and entry.startswith("python")]
    parser = configparser.ConfigParser()
    parser.read(repository / "setup.cfg")
    assert python == "python" + parser["options"]["python_requires"]


def test_imports_point_one_way(repository):
    wrong = []
    for path in (repository / "TauAdv").rglob("*.py"):
        relative = path.relative_to(repository / "TauAdv")
        stage = relative.parts[0]
        if len(relative.parts) == 1 or stage in SIDE:
            continue
        for module in imported_modules(path):
            parts = module.split(".")
            if parts[0] == "TauAdv" and len(parts) > 1 and parts[1] not in SIDE | MAY_IMPORT[stage]:
                wrong.append(f"{relative} imports {module}")
    assert wrong == []


def import_graph(library: Path) -> dict[str, set[str]]:
    """Return which files of a package each file imports, also inside of functions."""
    files = {}
    for path in library.rglob("*.py"):
        files[".".join(path.relative_to(library.parent).with_suffix("").parts).removesuffix(".__init__")] = path
    graph: dict[str, set[str]] = {}
    for name, path in files.items():
        found = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inside = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= (inside & set(files)) | ({node.module} if inside - set(files) else set())
        graph[name] = found & set(files) - {name}
    return graph


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """Return the files of one circle of imports, or nothing."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def test_imports_go_in_no_circle(repository):
    graph = import_graph(repository / "TauAdv")
    assert len(graph) > 300
    assert circle_in(graph) == []


def test_folders_are_small(repository):
    counts = Counter(path.parent for path in (repository / "TauAdv").rglob("*.py") if path.name != "__init__.py")
    assert {folder.name: count for folder, count in counts.items() if count > 15} == {}


def test_circles_are_found(tmp_path):
    library = tmp_path / "house"
    (library / "room").mkdir(parents=True)
    texts = {"a": "from house.room import b", "room/b": "def f():\n    import house.c", "c": "from house.a import x"}
    for name, text in {**texts, "__init__": "", "room/__init__": ""}.items():
        (library / f"{name}.py").write_text(text)
    assert set(circle_in(import_graph(library))) == {"house.a", "house.room.b", "house.c"}
    (library / "c.py").write_text("import os")
    assert circle_in(import_graph(library)) == []


#: What names a tagger or its rows; and the classes of taggers, rows and trainings.
OF_TAGGERS = {"jets", "taus", "jet", "tau", "deeptau", "jet_flavour"}
CLASSES_OF_TAGGERS = re.compile(
    r"(?:Jet|Tau)(?!Adv)\w*|FeatureTable|PackLayout|(?:Classifier|Adversarial|Network)Settings|DeepTau"
)
#: Taggers themselves, the two row formats, and what makes tuples and lines of jets.
ASK_FREELY = re.compile(r"(?:taggers|features|jets|simulation|production|tuples|shards/tau|shards/jet)/")
#: "tau" as a class of a tau candidate, which these are about.
OF_CLASSES = {"evaluation/predictions/scores.py", "domain/discriminators.py"}


def questions_of_kind(text: str) -> list[str]:
    """Return where code asks for the kind of tagger: a comparison, a table by kind, ``isinstance``."""
    return [
        f"{node.lineno}: {question}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.expr | ast.MatchValue)
        for question in _questions(node)
    ]


def _questions(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Dict) and len(node.keys) > 1:
        names = [key.value for key in node.keys if isinstance(key, ast.Constant)]
        return [f"a table of {names}"] if len(names) == len(node.keys) and set(names) <= OF_TAGGERS else []
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"isinstance", "issubclass"}:
        asked = list(ast.walk(node.args[1]))
        names = [one.id for one in asked if isinstance(one, ast.Name)]
        names += [one.attr for one in asked if isinstance(one, ast.Attribute)]
        return [f"{node.func.id} of {name}" for name in names if CLASSES_OF_TAGGERS.fullmatch(name)]
    if isinstance(node, ast.Compare | ast.MatchValue):
        values = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
        return [f"compares with '{value}'" for value in values if isinstance(value, str) and value in OF_TAGGERS]
    return []


def test_nobody_asks_of_which_kind_a_tagger_is(repository):
    library = repository / "TauAdv"
    wrong = [
        f"TauAdv/{module}:{question}"
        for module in sorted(path.relative_to(library).as_posix() for path in library.rglob("*.py"))
        if not ASK_FREELY.match(module) and module not in OF_CLASSES
        for question in questions_of_kind((library / module).read_text(encoding="utf-8"))
    ]
    assert wrong == [], "ask settings.spec, a TaggerSpec, or shards.row_type"


@pytest.mark.parametrize(
    "line",
    [
        *('x = rows == "jets"', 'x = "taus" != rows', 'x = kind in ("tau", "jet")', 'x = b == "deeptau" and c'),
        *("x = isinstance(a, JetTagger)", "x = isinstance(a, b.TauSettings | C)", "x = issubclass(a, (X, FeatureTable))"),
        *('x = {"taus": 1, "jets": 2}[rows]', 'match rows:\n    case "jets":\n        pass'),
    ],
)
def test_questions_of_kind_are_found(line):
    assert questions_of_kind(line)


@pytest.mark.parametrize(
    "line", ['x = {"tau": flat, **cells}', "isinstance(a, TauAdvError)", 'x = a["tau"]', 'f(unit="tau")']
)
def test_other_uses_of_the_names_are_none(line):
    assert questions_of_kind(line) == []


def test_side_modules_import_no_stage(repository):
    for name in SIDE - {"__init__"}:
        home = repository / "TauAdv" / name
        for path in home.rglob("*.py") if home.is_dir() else [home.with_suffix(".py")]:
            inside = {module for module in imported_modules(path) if module.startswith("TauAdv.")}
            assert {module.split(".")[1] for module in inside} <= SIDE


@pytest.mark.parametrize(("library", "home"), [("mlflow", "TauAdv/runs/"), ("argparse", "TauAdv/cli/"), ("pickle", None)])
def test_library_modules_keep_to_their_home(repository, library, home):
    users = [
        str(path.relative_to(repository))
        for path in (repository / "TauAdv").rglob("*.py")
        if any(module.split(".")[0] == library for module in imported_modules(path))
    ]
    assert [path for path in users if home is None or not path.startswith(home)] == []


def test_yaml_is_read_in_one_place(repository):
    users = [
        str(path.relative_to(repository))
        for folder in ("TauAdv", "Production", "Training", "Evaluation", "demo", "bench")
        for path in (repository / folder).rglob("*.py")
        if {module.split(".")[0] for module in imported_modules(path)} & {"yaml", "ruamel"}
    ]
    assert users
    assert {str(Path(user).parent) for user in users} == {"TauAdv/config"}


def test_nothing_is_evaluated(repository):
    calls = []
    for path in tracked_files(repository):
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec"}:
                calls.append(f"{path}:{node.lineno}")
    assert calls == []


#: What writes to a path that its caller gets from TauAdv/io: position and name of that parameter.
WRITERS = {
    **dict.fromkeys(("TupleWriter", "PartWriter", "write_histograms", "write_tuple", "write_lines"), (0, "path")),
    **{"Buckets": (0, "folder"), "write_graphs": (2, "folder")},
}
#: The same, of functions that are used in one module.
WRITERS_IN = {
    "evaluation/predictions/score_files.py": dict.fromkeys(("_write_root", "_write_parquet"), (1, "path")),
    "evaluation/scale_factors/report.py": {"write_scale_factors": (1, "folder")},
    "models/export/deeptau_formats.py": {"_write_cms": (1, "folder")},
    "models/export/jet_formats.py": dict.fromkeys(("_write_onnx", "_write_saved_model"), (1, "folder")),
    "models/export/onnx_format.py": {"_write": (2, "folder")},
    "models/export/saved_model.py": {"_write": (1, "folder")},
    "production/event_drop/drop.py": {"_write_survivors": (1, "path")},
    "production/mixing/mix.py": {"_write": (4, "paths")},
    "production/skim/skim.py": {"_write": (1, "path")},
    "shards/files.py": {"PartWriter": (0, "features")},
    "taggers/exporting.py": {"form.write": (1, "folder")},
}
#: Methods named like a library's that write with TauAdv/io: module, function, call.
ATOMIC = {
    ("shards/jet/preparation.py", "_Preparation.survey", "found.save"),
    ("training/run/loop.py", "Loop.checkpoint", "checkpoints.save"),
    ("runs/page.py", "_database_of_page", "TemporaryDirectory"),  # a copy for the time of a look
    ("tuples/linear_trees.py", "_has_same_bytes", "uproot.recreate"),  # in memory
}


def test_files_are_written_by_io_alone(repository):
    library = repository / "TauAdv"
    wrong = [
        f"TauAdv/{module}:{write.line}: {write.function} writes with {write.call}"
        for module in sorted(path.relative_to(library).as_posix() for path in library.rglob("*.py"))
        if not module.startswith("io/")
        for write in writes_of((library / module).read_text(encoding="utf-8"), WRITERS | WRITERS_IN.get(module, {}))
        if (module, write.function, write.call) not in ATOMIC
    ]
    assert wrong == [], "write to a path of TauAdv.io.atomic.new_file or new_folder"


_FUNCTION = """
def make(path, temporary):
    with new_file(path) as {name}:
        {line}
"""


@pytest.mark.parametrize(
    "line",
    [
        *('path.write_text("x")', "np.savez(path, x=x)", 'open(path, "w")', 'path.open("ab")', 'Path(path).open(mode="x")'),
        *("table.to_csv(path)", "figure.savefig(path)", "uproot.recreate(path)", 'pa.OSFile(str(path), "wb")'),
        *("model.save(path)", "tf.saved_model.save(module, path)", "copyfile(source, path)", "shutil.move(source, path)"),
        *("os.open(path, os.O_WRONLY)", "path.touch()", "write_histograms(path, {})", "TupleWriter(path=path)"),
        'np.save(path / "inner" / name, x)',
    ],
)
def test_other_ways_to_write_are_found(line):
    assert len(writes_of(_FUNCTION.format(name="temporary", line=line), WRITERS)) == 1
    assert writes_of(_FUNCTION.format(name="path", line=line), WRITERS) == []


@pytest.mark.parametrize("line", ["shutil.rmtree(path)", "os.replace(a, path)", "path.replace(b)", "path.rename(b)"])
def test_other_ways_to_replace_are_found(line):
    assert len(writes_of(_FUNCTION.format(name="path", line=line), WRITERS)) == 1


@pytest.mark.parametrize("line", ["open(path)", 'path.open("rb")', 'text.replace("a", "b")', "write_text(path, text)"])
def test_reading_is_no_writing(line):
    assert writes_of(_FUNCTION.format(name="temporary", line=line), WRITERS) == []


def test_no_machine_paths(repository):
    pattern = re.compile(r"(?<![\w.])/(work|tmp|home|root|eos/user|afs)/")
    wrong = []
    for path in tracked_files(repository):
        if path.suffix in {".py", ".md", ".yaml", ".yml", ".cfg", ".toml", ".ipynb", ".json"} and path != Path(__file__):
            wrong += [f"{path}: {line}" for line in path.read_text(encoding="utf-8").splitlines() if pattern.search(line)]
    assert wrong == []


def test_notebooks_hold_no_outputs(repository):
    for path in (repository / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells), path


def scripts(repository: Path) -> list[str]:
    folders = ("Production", "Training", "Evaluation")
    return [f"{folder}/{path.name}" for folder in folders for path in sorted((repository / folder).glob("*.py"))]


def test_scripts_call_the_command_line(repository):
    assert sorted(SCRIPTS.values()) == sorted(scripts(repository))
    for name, path in SCRIPTS.items():
        lines = (repository / path).read_text(encoding="utf-8").splitlines()
        assert f'main = script("{name}")' in lines, path
        assert len(lines) <= 10, f"{path}: {len(lines)} lines; options are in TauAdv/cli"


_HELP = """
import runpy, sys
from pathlib import Path
sys.argv = [sys.argv[1], "--help"]
sys.path.insert(0, str(Path(sys.argv[0]).parent))
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print("loaded:", {"tensorflow", "keras", "uproot", "pandas", "pydantic"} & set(sys.modules) or "none", file=sys.stderr)
"""


def test_help_of_scripts_needs_no_large_library(repository):
    found = scripts(repository)
    assert found
    for script in found:
        done = subprocess.run([sys.executable, "-c", _HELP, repository / script], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"usage: {Path(script).name} ")
        assert "loaded: none" in done.stderr, script
