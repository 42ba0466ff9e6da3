# SPDX-License-Identifier: Apache-2.0
"""What Optuna 5.0 does: densities of its TPE, what it finds in 50 seeds, what its successive halving stops.

    pip install optuna==5.0.0
    python oracles/sweep/generate.py packages/sweep/fixtures/optuna.json
"""
import json
import math
import random
import sys
import warnings

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator
from optuna.trial import TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore")

space = {
    "rate": FloatDistribution(1e-6, 1e-2, log=True),
    "beta": FloatDistribution(0.1, 5.0),
    "share": FloatDistribution(0.0, 1.0, step=0.25),
    "layers": IntDistribution(1, 9, step=2),
    "rank": IntDistribution(1, 64, log=True),
    "schedule": CategoricalDistribution(["linear", "cosine", "constant"]),
}


def densities(count: int) -> dict:
    # Of equal values, NumPy's sort decides which kernel gets which width; so no steps where there are many.
    own = space if count < 5 else {name: space[name] for name in ("rate", "beta", "schedule")}
    drawn = random.Random(count)

    def value(distribution):
        if isinstance(distribution, CategoricalDistribution):
            return drawn.randrange(3)
        if isinstance(distribution, IntDistribution):
            return drawn.randrange(distribution.low, distribution.high + 1, distribution.step)
        if distribution.step:
            return distribution.low + distribution.step * drawn.randrange(5)
        if distribution.log:
            return math.exp(drawn.uniform(math.log(distribution.low), math.log(distribution.high)))
        return drawn.uniform(distribution.low, distribution.high)

    rows = [[value(each) for each in own.values()] for _ in range(count)]
    points = [[value(each) for each in own.values()] for _ in range(8)]
    parameters = optuna.samplers.TPESampler()._parzen_estimator_parameters
    columns = lambda table: {name: np.array([row[at] for row in table]) for at, name in enumerate(own)}
    estimator = _ParzenEstimator(columns(rows), own, parameters)
    return {
        "names": list(own),
        "observed": rows,
        "points": points,
        "logDensities": estimator.log_pdf(columns(points)).tolist(),
        "weights": estimator._mixture_distribution.weights.tolist(),
    }


def known(rate: float, beta: float, schedule: str) -> float:
    """Least, 0, at rate 1e-4, beta 2, linear."""
    return (math.log10(rate) + 4) ** 2 + (beta - 2) ** 2 / 4 + {"linear": 0, "cosine": 0.3, "constant": 0.8}[schedule]


def found(sampler, trials: int) -> float:
    study = optuna.create_study(sampler=sampler)
    study.optimize(
        lambda trial: known(
            trial.suggest_float("rate", 1e-6, 1e-2, log=True),
            trial.suggest_float("beta", 0.1, 5.0),
            trial.suggest_categorical("schedule", ["linear", "cosine", "constant"]),
        ),
        n_trials=trials,
    )
    return study.best_value


def halving(direction: str, minimum: int, factor: int, rate: int, trials: int, steps: int, seed: int) -> dict:
    """Trials one after the other, each with a value a step: at which step each is stopped; null: never."""
    drawn = random.Random(seed)
    pruner = optuna.pruners.SuccessiveHalvingPruner(
        min_resource=minimum, reduction_factor=factor, min_early_stopping_rate=rate
    )
    study = optuna.create_study(direction=direction, pruner=pruner)
    curves, stopped = [], []
    for _ in range(trials):
        level = drawn.uniform(0, 1)
        curve = [level + drawn.uniform(0, 1) / (step + 1) for step in range(steps)]
        curves.append(curve)
        trial = study.ask()
        at = None
        for step, value in enumerate(curve, 1):
            trial.report(value, step)
            if trial.should_prune():
                at = step
                break
        study.tell(trial, curve[-1] if at is None else None, state=TrialState.COMPLETE if at is None else TrialState.PRUNED)
        stopped.append(at)
    return {"direction": direction, "minimumSteps": minimum, "reductionFactor": factor, "earlyStoppingRate": rate,
            "curves": curves, "stopped": stopped}


fixture = {
    "optuna": optuna.__version__,
    "space": {name: optuna.distributions.distribution_to_json(each) for name, each in space.items()},
    "densities": [densities(count) for count in (1, 2, 3, 12, 40)],
    "trials": 40,
    "tpe": [found(optuna.samplers.TPESampler(seed=seed), 40) for seed in range(50)],
    "random": [found(optuna.samplers.RandomSampler(seed=seed), 40) for seed in range(50)],
    "halving": [
        halving("minimize", 1, 4, 0, 30, 30, 1),
        halving("maximize", 2, 3, 0, 25, 20, 2),
        halving("minimize", 1, 2, 1, 20, 17, 3),
    ],
}
with open(sys.argv[1], "w") as file:
    json.dump(fixture, file)
    file.write("\n")
for name in ("tpe", "random"):
    print(name, np.mean(fixture[name]), np.std(fixture[name], ddof=1), np.median(fixture[name]))
print([sum(each is not None for each in case["stopped"]) for case in fixture["halving"]])
