"""Imports run downward only, as docs/architecture.md says: `ci -> infra, pipelines, cloud, deploy`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {
    "penstock_infra": ROOT / "infra/penstock_infra",
    "penstock_policy": ROOT / "infra/policy/penstock_policy",
    "penstock_pipelines": ROOT / "pipelines/penstock_pipelines",
    "penstock_ci": ROOT / "ci/penstock_ci",
    "penstock_cloud": ROOT / "localstack/cloud/penstock_cloud",
    "penstock_deploy": ROOT / "localstack/deploy/penstock_deploy",
    "penstock_services": ROOT / "localstack/services/penstock_services",
    "penstock_gateway": ROOT / "localstack/gateway/penstock_gateway",
}
ALLOWED: dict[str, set[str]] = {
    "penstock_ci": {"penstock_infra", "penstock_policy", "penstock_pipelines", "penstock_cloud", "penstock_deploy"},
    "penstock_infra": set(),
    "penstock_policy": set(),
    "penstock_pipelines": set(),
    "penstock_cloud": set(),
    "penstock_deploy": set(),
    "penstock_services": set(),
    "penstock_gateway": set(),
}


def imported_packages(file: Path) -> set[str]:
    """The first names of every module that a file imports, at any depth of nesting."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


# Programs of AWS's images run in the images' environments, as a model repository's own programs do, not in our services.
PROGRAMS = "containers"
ALLOWED_TO_PROGRAMS = {"penstock_pipelines"}


def violations(package: str, folder: Path) -> list[str]:
    forbidden = set(SOURCES) - ALLOWED[package] - {package}

    def forbidden_in(file: Path) -> set[str]:
        return forbidden - ALLOWED_TO_PROGRAMS if PROGRAMS in file.relative_to(folder).parts else forbidden

    return [
        f"{file.relative_to(folder.parent)} imports {name}"
        for file in sorted(folder.rglob("*.py"))
        for name in sorted(imported_packages(file) & forbidden_in(file))
    ]


@pytest.mark.parametrize("package", SOURCES)
def test_imports_run_downward(package: str) -> None:
    assert list(SOURCES[package].rglob("*.py"))
    assert violations(package, SOURCES[package]) == []


def test_a_wrong_import_is_found(tmp_path: Path) -> None:
    (tmp_path / "naming.py").write_text("def f():\n    from penstock_cloud import up\n")
    assert violations("penstock_infra", tmp_path) == [f"{tmp_path.name}/naming.py imports penstock_cloud"]


def test_nothing_outside_localstack_says_localstack() -> None:
    """Same programs, two clouds: infra, pipelines and the template know AWS only."""
    folders = [SOURCES["penstock_infra"], SOURCES["penstock_pipelines"], ROOT / "infra/projects"]
    folders += [path for path in ROOT.glob("templates/model/*/") if path.is_dir()]
    assert len(folders) >= 4
    hits = [
        str(file.relative_to(ROOT))
        for folder in folders
        for file in sorted(folder.rglob("*.py"))
        if "localstack" in file.read_text().lower()
    ]
    assert hits == []
