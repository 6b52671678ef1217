"""Random definitions run in an order that respects every dependency, within every limit, and never hide a failure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Cloud, compare, condition, for_each, processing

TRIGGERS = {
    "Completed": {"Succeeded"},
    "Failed": {"Failed"},
    "Stopped": {"Stopped"},
    "Any": {"Succeeded", "Failed", "Stopped"},
}
ENDINGS = {"Succeeded": "Completed", "Failed": "Failed", "Stopped": "Stopped"}
QUIET = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@dataclass
class Graph:
    """Dependencies (step to trigger) of every step on earlier ones, how each step's job ends, and the limit."""

    needs: list[dict[int, str]]
    endings: list[str]
    limit: int | None
    order: list[int] = field(default_factory=list)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 9))
    needs: list[dict[int, str]] = []
    for index in range(count):
        earlier = draw(st.sets(st.integers(0, index - 1), max_size=3)) if index else set()
        needs.append({each: draw(st.sampled_from(["Completed", "Completed", *TRIGGERS])) for each in sorted(earlier)})
    endings = [
        draw(st.sampled_from(["Succeeded", "Succeeded", "Succeeded", "Failed", "Stopped"])) for _ in range(count)
    ]
    order = draw(st.permutations(range(count)))
    return Graph(needs, endings, draw(st.none() | st.integers(1, 4)), list(order))


def depends(needs: dict[int, str]) -> list[Any]:
    return [
        f"S{each}" if kind == "Completed" else {"Step": f"S{each}", "Trigger": kind} for each, kind in needs.items()
    ]


@QUIET
@given(graphs())
def test_any_graph_runs_in_an_order_that_respects_it(cloud: Cloud, graph: Graph) -> None:
    cloud.jobs.clear()
    cloud.running.clear()
    cloud.pipeline([processing(f"S{index}", DependsOn=depends(graph.needs[index])) for index in graph.order])
    cloud.ends = lambda name: (ENDINGS[graph.endings[int(name.split("-")[2][1:])]], None)
    cloud.job_seconds = 0.002
    request = {"ParallelismConfiguration": {"MaxParallelExecutionSteps": graph.limit}} if graph.limit else {}
    arn = cloud.begin(**request)
    status = cloud.wait(arn)["PipelineExecutionStatus"]

    expected: dict[int, str] = {}
    for index, needs in enumerate(graph.needs):
        if all(expected.get(each) in TRIGGERS[kind] for each, kind in needs.items()):
            expected[index] = graph.endings[index]
    listed = cloud.steps(arn)
    assert {name: step["StepStatus"] for name, step in listed.items()} == {
        f"S{k}": each for k, each in expected.items()
    }
    for index in expected:
        for needed in graph.needs[index]:
            assert listed[f"S{needed}"]["EndTime"] <= listed[f"S{index}"]["StartTime"]
    assert max(cloud.running) <= (graph.limit or 50)
    bad = {index for index, each in expected.items() if each != "Succeeded"}
    handled = {needed for index in expected for needed, kind in graph.needs[index].items() if kind != "Completed"}
    if bad - handled:
        assert status == "Failed"
    else:
        assert status == ("CompletedWithFailures" if bad else "Succeeded")


@st.composite
def nested(draw: st.DrawFn, depth: int = 0) -> list[Any]:
    """A list of steps of a branch: "job", or (outcome, if branch, else branch), at most two levels deep."""
    count = draw(st.integers(0 if depth else 1, 2))
    found: list[Any] = []
    for _ in range(count):
        if depth < 2 and draw(st.booleans()):
            found.append((draw(st.booleans()), draw(nested(depth + 1)), draw(nested(depth + 1))))
        else:
            found.append("job")
    return found


@QUIET
@given(nested(), st.booleans())
def test_any_nesting_runs_the_branches_that_are_taken_and_a_whole_condition_is_waited_for(
    cloud: Cloud, shape: list[Any], fails: bool
) -> None:
    expected: list[str] = []
    jobs: list[str] = []
    numbers = iter(range(1000))

    def build(shapes: list[Any], taken: bool) -> list[dict[str, Any]]:
        steps = []
        for each in shapes:
            name = f"N{next(numbers)}"
            if taken:
                expected.append(name)
            if each == "job":
                if taken:
                    jobs.append(name)
                steps.append(processing(name))
            else:
                outcome, then, otherwise = each
                inner = build(then, taken and outcome), build(otherwise, taken and not outcome)
                steps.append(condition(name, [compare("Equals", 1, 1 if outcome else 2)], *inner))
        return steps

    whole = condition("Whole", [compare("Equals", 1, 1)], build(shape, True), [processing("Never")])
    cloud.pipeline([processing("After", DependsOn=["Whole"]), whole])
    failing = jobs[-1] if jobs and fails else None
    cloud.ends = lambda name: ("Failed", "no") if failing and f"-{failing}-" in name else ("Completed", None)
    cloud.job_seconds = 0.003
    arn = cloud.start()
    status = cloud.wait(arn)["PipelineExecutionStatus"]
    steps = cloud.steps(arn)
    if failing:
        assert status == "Failed"
        assert set(steps) == {"Whole", *expected}
    else:
        assert status == "Succeeded"
        assert set(steps) == {"Whole", "After", *expected}
        assert all(steps[name]["EndTime"] <= steps["After"]["StartTime"] for name in expected)


@settings(QUIET, max_examples=25)
@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 3), st.sets(st.integers(0, 5), max_size=1))
def test_iterations_keep_to_their_concurrency_and_order(
    cloud: Cloud, count: int, concurrency: int, limit: int, failing: set[int]
) -> None:
    cloud.jobs.clear()
    cloud.running.clear()
    body = [processing("Second", DependsOn=["First"]), processing("First")]
    cloud.pipeline(
        [
            for_each("Loop", [str(each) for each in range(count)], body, concurrency),
            processing("After", DependsOn=["Loop"]),
        ]
    )
    bad = {each for each in failing if each < count}
    cloud.ends = lambda name: (
        ("Failed", "no") if any(f"-First-{each}-" in name for each in bad) else ("Completed", None)
    )
    cloud.job_seconds = 0.002
    arn = cloud.begin(ParallelismConfiguration={"MaxParallelExecutionSteps": limit})
    assert cloud.wait(arn)["PipelineExecutionStatus"] == ("Failed" if bad else "Succeeded")
    steps = cloud.steps(arn)
    assert max(cloud.running) <= min(concurrency, limit)
    expected = {f"First-{each}" for each in range(count)} | {
        f"Second-{each}" for each in range(count) if each not in bad
    }
    assert set(steps) - {"Loop", "After"} == expected
    assert ("After" in steps) == (not bad)
    for index in range(count):
        if index not in bad:
            assert steps[f"First-{index}"]["EndTime"] <= steps[f"Second-{index}"]["StartTime"]
    assert steps["Loop"]["Metadata"]["ForEach"]["SucceededStepCount"] == 2 * (count - len(bad))
