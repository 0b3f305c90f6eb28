"""KerasTuner: Hyperband over perceptrons, until the time is up; the best checkpoint predicts."""

from contextlib import suppress
from typing import Any

import keras
import keras_tuner
from job import Fitted, Job
from network import TimeLimit, build, objective, predict, prepare

MOST_EPOCHS, PATIENCE = 30, 5
ENDLESS = 1_000  # rounds of Hyperband: the time limit ends them


class EndOfSearch(TimeLimit):
    """Ends the search as well, once no other trial can be begun. KerasTuner has no time limit of its own."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Refuse a trial that begins too late; of all exceptions, KerasTuner lets only this one through."""
        if self.is_over:
            raise keras_tuner.errors.FatalError("The time is up.")


def fit(job: Job) -> Fitted:
    """Search until the time is up."""
    keras.utils.set_random_seed(job.seed)
    data = prepare(job)
    monitor, direction = objective(job)

    def make(hp: keras_tuner.HyperParameters) -> keras.Model:
        layers = hp.Int("layers", 1, 4)
        units = [hp.Int(f"units_{i}", 32, 512, step=32) for i in range(layers)]
        rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")
        return build(job, data.x.shape[1], units, hp.Float("dropout", 0.0, 0.5, step=0.1), rate)

    tuner = keras_tuner.Hyperband(
        make, keras_tuner.Objective(monitor, direction), max_epochs=MOST_EPOCHS, hyperband_iterations=ENDLESS,
        seed=job.seed + 1, directory=job.folder, project_name="tuner",  # it takes seed 0 for none
    )  # fmt: skip
    early = keras.callbacks.EarlyStopping(monitor, mode=direction, patience=PATIENCE)
    with suppress(keras_tuner.errors.FatalError):
        tuner.search(
            data.x, data.y, validation_data=(data.x_held, data.y_held), batch_size=data.batch_size,
            callbacks=[early, EndOfSearch(job.end)], verbose=0,
        )  # fmt: skip
    if not any(trial.status == "COMPLETED" for trial in tuner.oracle.trials.values()):
        raise SystemExit("No trial of KerasTuner ended within the time.")
    best = tuner.oracle.get_best_trials(1)[0]
    model = tuner.get_best_models(1)[0]
    notes = {"validation": best.score, "trials": len(tuner.oracle.trials), "best": best.hyperparameters.values}
    return Fitted(lambda: predict(job, data, model), notes)
