"""Work teams and what people are shown; the labeling itself is not served."""

from __future__ import annotations

from penstock_services.sagemaker.overlay.entry import Children, Overlay, in_use, invalid, not_found

KINDS: dict[str, Overlay] = {
    "Workforce": Overlay(
        "workforce",
        missing=invalid("No workforce found in account for workforce with name {name}."),
        exists=invalid("Workforce with name {name} already exists."),
        initial="Initializing",
        settled="Active",
        updating="Updating",
        updated="Active",
        deleting="Deleting",
        nested="Workforce",
        children=(
            Children(
                "Workteam", "WorkforceName", in_use("Workforce {name} can't be deleted: it still has work teams.")
            ),
        ),
        why="who may work; they sign in at the named identity provider",
    ),
    "Workteam": Overlay(
        "workteam/private-crowd",
        missing=invalid("The work team {name} does not exist."),
        exists=in_use("A work team with the name {name} already exists."),
        nested="Workteam",
        parents=(("WorkforceName", "Workforce"),),
        why="groups of people",
    ),
    "FlowDefinition": Overlay(
        "flow-definition",
        missing=not_found("FlowDefinition {arn} does not exist."),
        exists=in_use("FlowDefinition {arn} already exists."),
        initial="Initializing",
        settled="Active",
        deleting="Deleting",
        why="settings of human review; a review loop would be started by another API",
    ),
    "HumanTaskUi": Overlay(
        "human-task-ui",
        missing=not_found("HumanTaskUi {arn} does not exist."),
        exists=in_use("HumanTaskUi {arn} already exists."),
        initial="Active",
        deleting="Deleting",
        why="a template",
    ),
}
