"""`penstock pipeline`: compile, run, graph, step."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from penstock_ci.output import JsonOption, Output
from penstock_ci.repository import RepositoryOption
from penstock_ci.target import StackOption
from penstock_ci.verbs.train import StopOption, WaitOption

app = typer.Typer(no_args_is_help=True, help="The SageMaker pipeline of a model repository.")

_SHOWN_LINES = 60


@app.command("compile")
def compile_(
    repository: RepositoryOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 when the committed file is another.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compile the pipeline into the definition that is committed (pipeline.json), or compare with it.

    \b
    Examples:
      penstock pipeline compile
      penstock pipeline compile --check
    """
    from penstock_ci import definition
    from penstock_ci.compilation import compile_pipeline
    from penstock_ci.errors import Failure
    from penstock_ci.repository import find

    output = Output(json=as_json)
    found = find(repository)
    golden = found.root / found.configuration.pipeline.definition
    before = golden.read_text() if golden.exists() else ""
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "pipeline.json"
        with output.working("compiling the pipeline"):
            compile_pipeline(found, compiled, output.progress)
        text = compiled.read_text()
        nodes = definition.nodes(definition.read(compiled))
    difference = definition.difference(before, text)
    if not check and difference:
        golden.write_text(text)
    output.result(
        {
            "ok": not (check and difference),
            "unchanged": not difference,
            "definition": str(golden),
            "diff": difference,
            "steps": [node.summary() for node in nodes],
        }
    )
    if not difference:
        output.marked("ok", f"{golden.name} is what the sources compile to ({len(nodes)} steps)")
    elif check:
        output.fail(
            Failure(
                f"{golden} is not what the sources compile to",
                "penstock pipeline compile, look at the difference, commit it",
                detail="\n".join(difference[:_SHOWN_LINES]),
            )
        )
    else:
        output.marked("update" if before else "create", f"{golden} ({len(nodes)} steps): commit it")


@app.command()
def graph(
    repository: RepositoryOption = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="As Mermaid text, which GitHub draws.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the pipeline's steps and what each waits for.

    \b
    Examples:
      penstock pipeline graph
      penstock pipeline graph --mermaid > pipeline.mmd
    """
    from penstock_ci import definition
    from penstock_ci.repository import find

    output = Output(json=as_json)
    found = find(repository)
    compiled = definition.read(found.root / found.configuration.pipeline.definition)
    output.line(definition.mermaid(compiled) if mermaid else definition.text(compiled))
    output.result(
        {"steps": [node.summary() for node in definition.nodes(compiled)], "mermaid": definition.mermaid(compiled)}
    )


@app.command()
def run(
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", "-p", metavar="NAME=VALUE", help="A parameter's value; others keep their defaults."
        ),
    ] = None,
    execution: Annotated[
        str | None, typer.Option("--watch", metavar="EXECUTION", help="Start nothing: watch this execution.")
    ] = None,
    repository: RepositoryOption = None,
    stack: StackOption = None,
    wait: WaitOption = True,
    stop: StopOption = True,
    as_json: JsonOption = False,
) -> None:
    """Run the pipeline as it stands on the cloud (`train` builds and updates first), or watch a run.

    \b
    Examples:
      penstock pipeline run -p SampleFraction=0.1 -p Register=false
      penstock pipeline run --watch abc123def456
    """
    from penstock_ci import definition, executions, training, watching
    from penstock_ci.errors import UserError, did_you_mean
    from penstock_ci.repository import find
    from penstock_ci.target import resolve

    output = Output(json=as_json)
    found = find(repository)
    target = resolve(stack)
    if execution is not None:
        arn = watching.execution_arn(target, target.model_name(found.name), execution)
    else:
        known = {
            entry["Name"]
            for entry in definition.read(found.root / found.configuration.pipeline.definition).get("Parameters", [])
        }
        values: dict[str, str] = {}
        for pair in parameters or []:
            name, sign, value = pair.partition("=")
            if not sign:
                raise UserError(f"--parameter {pair}: it must be NAME=VALUE")
            if name not in known:
                raise UserError(
                    f"the pipeline has no parameter '{name}'{did_you_mean(name, known)}",
                    f"parameters: {', '.join(sorted(known))}",
                )
            values[name] = value
        arn = executions.start(target, target.model_name(found.name), values)
        output.progress(f"started {arn}")
    if not wait:
        output.line(arn)
        output.result({"ok": True, "execution_arn": arn, "status": "Executing"})
        return
    done = watching.watch(target, arn, output, stop=stop)
    document = watching.document(done) | {"metrics": training.metrics(target, done)}
    watching.conclude(target, done, document, output)


@app.command()
def step(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[STEP]", help="The step; without it the steps are listed.", show_default=False),
    ] = None,
    upstream: Annotated[bool, typer.Option("--upstream", help="Run the steps before it first.")] = False,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="FOLDER", help="Raw tables, instead of the cloud's raw bucket.")
    ] = None,
    parameters: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A parameter's value.")
    ] = None,
    repository: RepositoryOption = None,
    stack: StackOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run one step alone on this machine, with this checkout's code as it is now: the inner loop.

    \b
    Examples:
      penstock pipeline step
      penstock pipeline step Train
      penstock pipeline step Evaluate --upstream --data raw/

    No image, no pipeline, nothing registered. Inputs that are not in build/steps come from the cloud, where one is up;
    with --data none is needed.
    """
    from penstock_ci import definition, stepping
    from penstock_ci.errors import UserError, did_you_mean, leave
    from penstock_ci.repository import find

    output = Output(json=as_json)
    found = find(repository)
    nodes = definition.nodes(definition.read(found.root / found.configuration.pipeline.definition))
    jobs = [node for node in nodes if node.type in stepping.JOBS]
    if name is None:
        output.table(["step", "type"], [[node.name, node.type] for node in jobs])
        output.result({"steps": [node.summary() for node in jobs]})
        return
    known = [node.name for node in jobs]
    if name not in known:
        raise UserError(
            f"no step that runs a job is called '{name}'{did_you_mean(name, known)}", f"steps: {', '.join(known)}"
        )
    if data is not None and not data.is_dir():
        raise UserError(f"{data} is not a folder", "give the folder that holds the raw tables (flights/, ...)")
    code = stepping.run(
        found, name, upstream=upstream, data=data, parameters=parameters or [], stack=stack, as_json=as_json
    )
    if code:
        raise leave(code)
