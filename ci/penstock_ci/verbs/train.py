"""`penstock train`."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock_ci.output import JsonOption, Output
from penstock_ci.repository import RepositoryOption
from penstock_ci.target import StackOption
from penstock_ci.verbs.up import YesProductionOption

app = typer.Typer()

WaitOption = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait for the end, with progress; or only start it.")
]
StopOption = Annotated[
    bool, typer.Option("--stop/--no-stop", help="What Ctrl-C does: stop the execution, or leave it running.")
]


@app.command()
def train(
    small: Annotated[
        bool, typer.Option("--small", help="A sample of the rows, in a throw-away pipeline: what a pull request runs.")
    ] = False,
    after_drift: Annotated[
        bool,
        typer.Option("--after-drift", help="Keep fewer months for evaluation, so that training sees the shifted data."),
    ] = False,
    register: Annotated[
        bool, typer.Option("--register/--no-register", help="Register a version when the gate lets it pass.")
    ] = True,
    repository: RepositoryOption = None,
    stack: StackOption = None,
    wait: WaitOption = True,
    stop: StopOption = True,
    yes_production: YesProductionOption = False,
    as_json: JsonOption = False,
) -> None:
    """Build the image, update the pipeline, run it on what has landed, and register a model version.

    \b
    Examples:
      penstock train
      penstock train --small --no-register
      penstock train --after-drift --json

    Ctrl-C stops the execution (--no-stop leaves it running). Exit code 1 with the failing step's reason and log.
    """
    from penstock_ci import changes, executions, guard, images, judged, platform, registry, training, watching
    from penstock_ci.errors import Failure, UserError
    from penstock_ci.projects import Project
    from penstock_ci.repository import find
    from penstock_ci.stacks import open_stack, up_when_free
    from penstock_ci.target import resolve

    output = Output(json=as_json)
    if small and not wait:
        raise UserError("--small and --no-wait contradict each other: the throw-away pipeline is deleted at the end")
    found = find(repository)
    model = found.name
    target = resolve(stack)
    infrastructure = Project("infra", found.infrastructure)
    if not small:
        guard.production(target, infrastructure, meant=yes_production, action="train")
    source = platform.registry(target).stack
    if register and not small and source != target.stack:
        raise UserError(
            f"the stack '{target.stack}' deploys the versions that are registered in '{source}' (registryStack)",
            f"train there: penstock train --stack {source}   (or here without registering: --no-register)",
        )
    outputs = platform.outputs(target)
    image = images.build(found, target, str(outputs["imageRepositoryUrl"]), output.progress)
    plan = training.plan(
        target,
        found,
        outputs,
        image_uri=image.image_uri,
        small=small,
        after_drift=after_drift,
        register=register and not small,
    )
    output.progress(
        f"train on {plan.windows.train_from} to {plan.windows.train_to}, evaluate to {plan.windows.evaluate_to} (ends exclusive)"
    )
    before = training.champion(target, model) if model in registry.models(target) else None
    if small:
        with training.throw_away_pipeline(target, found, plan.parameters["RoleArn"]) as pipeline:
            arn = executions.start(target, pipeline, plan.parameters)
            done = watching.watch(target, arn, output, stop=True, resumable=False)
            evaluated = training.evaluation(target, done)
    else:
        stack_of_model = open_stack(infrastructure, target)
        judged.check(stack_of_model, infrastructure, target, output.progress)
        up = up_when_free(stack_of_model, changes.Lines(output, "up"), output.progress)
        changes.conclude(output, "infra", "up", up)
        if not up["ok"]:
            raise Failure(
                "the pipeline could not be updated",
                "penstock up infra",
                detail="\n".join(up.get("errors") or up["diagnostics"]),
            )
        arn = executions.start(target, target.model_name(model), plan.parameters)
        output.progress(f"started {arn}")
        if not wait:
            output.line(arn)
            output.result({"ok": True, "execution_arn": arn, "status": "Executing", "window": plan.window()})
            return
        done = watching.watch(target, arn, output, stop=stop)
        evaluated = training.evaluation(target, done)
    document = watching.document(done) | {
        "metrics": registry.numbers(evaluated) or None,
        "champion": training.comparison(target, evaluated, before),
        "window": plan.window(),
        "image_uri": image.image_uri,
    }
    watching.conclude(target, done, document, output)
