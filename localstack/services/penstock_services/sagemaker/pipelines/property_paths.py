"""Whether a reference to a step's properties can lead anywhere: checked against what the step will answer."""

from __future__ import annotations

from penstock_services.sagemaker.model import ServiceModel, load
from penstock_services.sagemaker.pipelines.references import Path, path_text
from penstock_services.sagemaker.pipelines.step import Step
from penstock_services.sagemaker.pipelines.step_kinds import FOR_EACH, KINDS


def problem(target: Step, path: Path) -> str | None:
    """What is wrong with ``Steps.<target>.<path>``, or None."""
    kind = KINDS[target.type]
    if not path:
        return f"a reference to step '{target.name}' needs the path of a property"
    root = path[0]
    if root in kind.properties:
        return _special(target, path)
    model = load("sagemaker")
    roots: dict[str, str] = {}
    for operation in kind.described:
        if operation in model.operations:
            roots |= {name: reference["shape"] for name, reference in model.outputs(operation).items()}
    if root not in roots:
        known = ", ".join(sorted([*roots, *kind.properties]))
        offered = f"there are {known}" if known else "it has none"
        return f"'{path_text(path)}' is no property of the {target.type} step '{target.name}'; {offered}"
    return _walk(model, roots[str(root)], path, 1, target)


def _special(target: Step, path: Path) -> str | None:
    root = path[0]
    if root == "OutputParameters":
        if len(path) != 2 or path[1] not in target.outputs:
            known = ", ".join(target.outputs) or "none"
            return f"'{path_text(path)}' is no output parameter of step '{target.name}'; it declares {known}"
    elif target.type == FOR_EACH and root == "IterationOutputs":
        bodies = {each.name: each for each in target.body}
        if len(path) < 4 or not isinstance(path[1], int) or path[2] not in bodies:
            return (
                f"'{path_text(path)}' of the ForEach step '{target.name}' must be "
                f"IterationOutputs[<index>].<body step>.<property>, with a body step of {', '.join(bodies)}"
            )
        return problem(bodies[str(path[2])], path[3:])
    elif target.type == FOR_EACH and root == "Selected":
        if "Selector" not in target.arguments:
            return f"'{path_text(path)}': the ForEach step '{target.name}' has no Selector"
        if len(path) < 2:
            return f"'Selected' of the ForEach step '{target.name}' needs the path of a property"
    return None


def _walk(model: ServiceModel, shape: str, path: Path, depth: int, target: Step) -> str | None:
    """Follow the rest of a path through the shapes of an answer."""
    if depth == len(path):
        return None
    part, found = path[depth], model.shapes[shape]
    following: str | None = None
    if found["type"] == "structure" and isinstance(part, str):
        following = found.get("members", {}).get(part, {}).get("shape")
    elif found["type"] == "list":
        following = found["member"]["shape"]
    elif found["type"] == "map" and isinstance(part, str):
        following = found["value"]["shape"]
    if following is None:
        return f"'{path_text(path)}' is no property of the {target.type} step '{target.name}', from {part!r} on"
    return _walk(model, following, path, depth + 1, target)
