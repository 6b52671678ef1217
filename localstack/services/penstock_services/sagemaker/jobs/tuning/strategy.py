"""The strategies: what to try next, by Optuna.

Random; Grid (all combinations of categorical values, in random order); Bayesian (a tree-structured Parzen estimator, with
what is under way taken for bad so that parallel jobs do not try the same); Hyperband (the same with asynchronous
successive halving in brackets: developer guide, "How Hyperparameter Tuning with Amazon SageMaker AI Works").
"""

from __future__ import annotations

import importlib
import itertools
import random
import warnings
from dataclasses import dataclass
from typing import Any

from penstock_services.sagemaker.jobs.tuning.ranges import Choice, NumberRange, Space

_REDUCTION = 3
_STARTUP = 10


@dataclass(frozen=True)
class Candidate:
    """Hyperparameters to try."""

    hyperparameters: dict[str, str]
    trial: Any


class Search:
    """The search of one training job definition.

    ``resources``: fewest and most epochs of a training job under Hyperband. ``budget``: how many training jobs there will
    be, if that is known. Optuna is imported when the first search is made: it takes most of a second.
    """

    def __init__(
        self,
        strategy: str,
        space: Space,
        *,
        maximize: bool,
        seed: int | None,
        resources: tuple[int, int] | None = None,
        budget: int | None = None,
    ) -> None:
        self._optuna = importlib.import_module("optuna")
        self._optuna.logging.set_verbosity(self._optuna.logging.WARNING)
        self._space = space
        self._grid = _grid(space, seed) if strategy == "Grid" else None
        self._distributions = {each.name: self._distribution(each) for each in space.ranges}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._study = self._optuna.create_study(
                study_name="tuning",
                direction="maximize" if maximize else "minimize",
                sampler=self._sampler(strategy, seed, budget),
                pruner=self._pruner(resources),
            )

    def _distribution(self, each: Any) -> Any:
        distributions = self._optuna.distributions
        if not isinstance(each, NumberRange):
            return distributions.CategoricalDistribution(list(each.values))
        low, high = each.bounds
        if each.integer:
            return distributions.IntDistribution(int(low), int(high), log=each.logarithmic)
        return distributions.FloatDistribution(low, high, log=each.logarithmic)

    def _sampler(self, strategy: str, seed: int | None, budget: int | None) -> Any:
        samplers = self._optuna.samplers
        if strategy in ("Random", "Grid"):
            return samplers.RandomSampler(seed=seed)
        startup = _STARTUP if budget is None else max(2, min(_STARTUP, budget // 3))
        return samplers.TPESampler(seed=seed, n_startup_trials=startup, multivariate=True, constant_liar=True)

    def _pruner(self, resources: tuple[int, int] | None) -> Any:
        pruners = self._optuna.pruners
        if resources is None:
            return pruners.NopPruner()
        return pruners.HyperbandPruner(
            min_resource=resources[0], max_resource=resources[1], reduction_factor=_REDUCTION
        )

    def remember(self, hyperparameters: dict[str, str], value: float) -> bool:
        """Take over what another tuning job found; False where it is not within the ranges."""
        inner = self._space.inner(hyperparameters)
        if inner is None:
            return False
        trial = self._optuna.trial.create_trial(params=inner, distributions=self._distributions, value=value)
        self._study.add_trial(trial)
        return True

    def ask(self) -> Candidate | None:
        """The next to try; None where everything was (Grid)."""
        if self._grid is not None:
            if not self._grid:
                return None
            self._study.enqueue_trial(self._grid.pop())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trial = self._study.ask(self._distributions)
        return Candidate(self._space.texts(trial.params), trial)

    def tell(self, candidate: Candidate, value: float | None) -> None:
        """The final objective of a candidate; None: there is none."""
        state = None if value is not None else self._optuna.trial.TrialState.FAIL
        self._study.tell(candidate.trial, value, state=state)

    def hopeless(self, candidate: Candidate, epoch: int, value: float) -> bool:
        """Report an epoch's objective (from 1); whether the strategy gives the candidate up (Hyperband)."""
        candidate.trial.report(value, epoch)
        return bool(candidate.trial.should_prune())


def _grid(space: Space, seed: int | None) -> list[dict[str, str]]:
    """Every combination of categorical values, in random order."""
    choices = [each for each in space.ranges if isinstance(each, Choice)]
    combinations = itertools.product(*(each.values for each in choices))
    grid = [{each.name: value for each, value in zip(choices, values, strict=True)} for values in combinations]
    random.Random(seed).shuffle(grid)  # noqa: S311 (an order, no secret)
    return grid
