"""Optuna's TPE around `model.fit`, over the same perceptrons, until the time is up; the best weights predict."""

import math
from typing import Any

import keras
import optuna
from job import Fitted, Job
from network import TimeLimit, build, objective, predict, prepare

MOST_EPOCHS, PATIENCE = 100, 5


def fit(job: Job) -> Fitted:
    """Search until the time is up."""
    keras.utils.set_random_seed(job.seed)
    data = prepare(job)
    monitor, direction = objective(job)
    best: dict[str, Any] = {"score": -math.inf}
    sign = 1 if direction == "max" else -1

    def train(trial: optuna.Trial) -> float:
        keras.utils.clear_session()
        layers = trial.suggest_int("layers", 1, 4)
        units = [trial.suggest_int(f"units_{i}", 32, 512, step=32) for i in range(layers)]
        rate = trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True)
        model = build(job, data.x.shape[1], units, trial.suggest_float("dropout", 0.0, 0.5, step=0.1), rate)
        early = keras.callbacks.EarlyStopping(monitor, mode=direction, patience=PATIENCE, restore_best_weights=True)
        history = model.fit(
            data.x, data.y, validation_data=(data.x_held, data.y_held), batch_size=data.batch_size,
            epochs=MOST_EPOCHS, callbacks=[early, TimeLimit(job.end)], verbose=0,
        ).history[monitor]  # fmt: skip
        score = max(sign * value for value in history)
        if score > best["score"]:
            best.update(score=score, model=model, weights=model.get_weights())
        return sign * score

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize" if sign == 1 else "minimize", sampler=optuna.samplers.TPESampler(seed=job.seed)
    )
    study.optimize(train, timeout=max(job.left, 1.0))  # one trial at least
    best["model"].set_weights(best["weights"])
    notes = {"validation": study.best_value, "trials": len(study.trials), "best": study.best_params}
    return Fitted(lambda: predict(job, data, best["model"]), notes)
