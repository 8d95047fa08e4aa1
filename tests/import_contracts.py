"""Contracts of import-linter for ``src/``, whose modules import each other without the folder's name."""

from __future__ import annotations

import sys
from pathlib import Path

import grimp
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.layers import Layer, LayersContract, ModuleTail
from importlinter.domain.contract import ContractCheck

SRC = Path(__file__).resolve().parents[1] / "src"


def add_source_imports(graph: grimp.ImportGraph) -> None:
    """Add to `graph` what modules of ``src/`` import of each other."""
    sys.path.insert(0, str(SRC))
    packages = [file.parent.name for file in SRC.glob("*/__init__.py")]
    inside = grimp.build_graph(packages[0], *packages[1:], cache_dir=None)
    for graph_of, prefix in ((inside, "src."), (graph, "")):
        for module in graph_of.modules:
            for imported in graph_of.find_modules_directly_imported_by(module):
                if f"{prefix}{module}".startswith("src.") and f"src.{imported}" in graph.modules:
                    graph.add_import(importer=f"{prefix}{module}", imported=f"src.{imported}")


class SourceLayers(LayersContract):
    """Layers of ``src/``: at the top the Core Scripts, each by itself, then the packages as declared."""

    type_name = "source_layers"

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        """Check the layers."""
        add_source_imports(graph)
        layers: list[Layer] = list(vars(self)["layers"])
        declared = {tail.name for layer in layers for tail in layer.module_tails}
        scripts = {file.stem for file in SRC.glob("*.py")} - declared
        vars(self)["layers"] = [Layer({ModuleTail(name) for name in scripts}), *layers]
        return super().check(graph, verbose)


class SourceCircles(AcyclicSiblingsContract):
    """No circle of imports in ``src/``, those for types included."""

    type_name = "source_circles"

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        """Check for circles."""
        add_source_imports(graph)
        return super().check(graph, verbose)
