"""Every name that a record uses, in one table: stable, so that filters, charts and scripts keep working.

A search is an experiment of its name. In it stands a parent run, and under the parent a child run for each trial; a
search that is resumed goes on in the same runs. A name that ends with `*` stands for a group of names.
"""

from dataclasses import dataclass
from typing import Final, Literal

PARAMETER: Final = "parameter"
METRIC: Final = "metric"
TAG: Final = "tag"

FAMILY = "family"
SPACE = "space"
ORIGIN = "origin"
SEED = "seed"
STRUCTURE_PREFIX = "structure."
RECIPE_PREFIX = "recipe."
SEARCH_PREFIX = "search."

SCORE = "score"
SECONDS = "seconds"
PARAMETERS = "parameters"
ROWS_PER_SECOND = "rows_per_second"
BEST_EPOCH = "best_epoch"
EPOCHS = "epochs"
FOLD_SCORE = "fold/score"
EPOCH_LOSS = "epoch/loss"
EPOCH_VALIDATION_LOSS = "epoch/validation_loss"
EPOCH_SCORE = "epoch/score"
FINALIST_PREFIX = "finalist."
BASELINE_PREFIX = "baseline."
TEST_SCORE = "test_score"
CORRECTED_SCORE = "corrected_score"
SCORE_LIMITS_PREFIX = "score."
ENSEMBLE_PREFIX = "ensemble."
TRIALS_PREFIX = "trials."
LATENCY_PREFIX = "latency."
SYSTEM_PREFIX = "system/"  # MLflow shows them on a page of their own, and gives most of these names itself

TAG_PREFIX = "akl."
TAG_KIND = "akl.kind"
TAG_SEARCH = "akl.search"
TAG_TRIAL = "akl.trial"
TAG_COHORT = "akl.cohort"
TAG_LANE = "akl.lane"
TAG_LANES = "akl.lanes"
TAG_RUNG = "akl.rung"
TAG_FAMILY = "akl.family"
TAG_SPACE = "akl.space"
TAG_ORIGIN = "akl.origin"
TAG_SEED = "akl.seed"
TAG_DEVICE = "akl.device"
TAG_CAUSE = "akl.cause"
TAG_MESSAGE = "akl.message"
TAG_METRIC = "akl.metric"
TAG_DIRECTION = "akl.direction"
TAG_STATUS = "akl.status"
TAG_BEST_TRIAL = "akl.best_trial"
TAG_LATENCY_DEVICE = "akl.latency_device"
TAG_FINGERPRINT = "akl.data_fingerprint"
TAG_SEARCH_UID = "akl.search_uid"
TAG_TRIAL_UID = "akl.trial_uid"
TAG_ATTEMPTS = "akl.attempts"
TAG_EARLIER = "akl.earlier_attempts"
TAG_MODEL = "akl.model_sha256"
TAG_CHANGED_PREFIX = "akl.changed."
TAG_VERSION_PREFIX = "akl.version."
TAG_PARENT = "mlflow.parentRunId"
TAG_NOTE = "mlflow.note.content"
TAG_EXPERIMENT_KIND = "mlflow.experimentKind"
TAG_VIEW_PREFIX = "mlflow.sharedViewState."

KIND_SEARCH = "search"
KIND_TRIAL = "trial"
CHAMPION = "champion"
CHALLENGER = "challenger"


@dataclass(frozen=True)
class Name:
    """One row of the table: the key, what MLflow takes it for, what carries it, and what it says.

    `runs` is the run of a search, that of a trial, or both; or the experiment, or a version of a registered model.
    """

    key: str
    what: Literal["parameter", "metric", "tag"]
    runs: Literal["search", "trial", "both", "experiment", "model"]
    meaning: str

    def covers(self, key: str) -> bool:
        """Say whether this row speaks of `key`.

        Example:
            >>> Name("recipe.*", "parameter", "trial", "").covers("recipe.learning_rate")
            True
        """
        return key.startswith(self.key[:-1]) if self.key.endswith("*") else key == self.key


def _system(key: str) -> str:
    return SYSTEM_PREFIX + key


NAMES: tuple[Name, ...] = (
    Name(FAMILY, PARAMETER, "trial", "family of models"),
    Name(SPACE, PARAMETER, "trial", "search space that the configuration was drawn from"),
    Name(ORIGIN, PARAMETER, "trial", "who proposed it: default, portfolio or the sampler"),
    Name(SEED, PARAMETER, "trial", "seed of the first weights"),
    Name(STRUCTURE_PREFIX + "*", PARAMETER, "trial", "values that shape the network or its program"),
    Name(RECIPE_PREFIX + "*", PARAMETER, "trial", "values that are only numbers to the network; lanes differ in them"),
    Name(SEARCH_PREFIX + "*", PARAMETER, "search", "options of the search and what was inferred from the data"),
    Name(SCORE, METRIC, "both", "validation score in the metric of the search; on the parent that of the best model"),
    Name(EPOCH_LOSS, METRIC, "trial", "training loss after each epoch; the step is the epoch, from 1"),
    Name(EPOCH_VALIDATION_LOSS, METRIC, "trial", "validation loss after each epoch"),
    Name(EPOCH_SCORE, METRIC, "trial", "validation score after each epoch"),
    Name(FOLD_SCORE, METRIC, "trial", "score of each fold, where there are several; the step is the fold, from 0"),
    Name(SECONDS, METRIC, "both", "the trial's share of its cohort's time; on the parent the time of the search"),
    Name(PARAMETERS, METRIC, "trial", "number of weights of the network"),
    Name(ROWS_PER_SECOND, METRIC, "trial", "training rows that it went through in a second, every epoch counted"),
    Name(BEST_EPOCH, METRIC, "trial", "epoch whose weights were kept, from 1"),
    Name(EPOCHS, METRIC, "trial", "epochs trained"),
    Name(TEST_SCORE, METRIC, "search", "score of the final model on the rows given with --test"),
    Name(CORRECTED_SCORE, METRIC, "search", "the score without the luck of being the best of many"),
    Name(SCORE_LIMITS_PREFIX + "*", METRIC, "search", "both ends of the 90 % interval around the corrected score"),
    Name(ENSEMBLE_PREFIX + "*", METRIC, "search", "score of an ensemble, and its gain on rows that did not choose it"),
    Name(FINALIST_PREFIX + "*", METRIC, "search", "fresh score of a trial that was scored again before one won"),
    Name(BASELINE_PREFIX + "*", METRIC, "search", "validation score of a baseline"),
    Name(TRIALS_PREFIX + "*", METRIC, "search", "number of trials by how they ended"),
    Name(LATENCY_PREFIX + "*", METRIC, "search", "seconds for one row and for a batch, by the final model; its rows"),
    Name(_system("cpu_utilization_percentage"), METRIC, "search", "load of all processors of the machine"),
    Name(_system("system_memory_usage_percentage"), METRIC, "search", "memory of the machine that is in use"),
    Name(_system("system_memory_usage_megabytes"), METRIC, "search", "the same in megabytes of 1,000,000 bytes"),
    Name(_system("search_memory_usage_megabytes"), METRIC, "search", "memory of the search and all that it started"),
    Name(_system("disk_usage_percentage"), METRIC, "search", "use of the disk that the runs folder lies on"),
    Name(_system("disk_available_megabytes"), METRIC, "search", "what is free there"),
    Name(_system("gpu_*"), METRIC, "search", "load and memory of each GPU, counted from 0, where nvidia-smi tells it"),
    Name(TAG_KIND, TAG, "both", "search or trial"),
    Name(TAG_SEARCH, TAG, "both", "name of the search"),
    Name(TAG_FINGERPRINT, TAG, "both", "hash of the whole content of the data"),
    Name(TAG_TRIAL, TAG, "trial", "number of the trial"),
    Name(TAG_COHORT, TAG, "trial", "number of the cohort that it was trained in"),
    Name(TAG_LANE, TAG, "trial", "its lane in the cohort, from 0"),
    Name(TAG_LANES, TAG, "trial", "how many lanes the cohort had"),
    Name(TAG_RUNG, TAG, "trial", "how many rungs of its schedule it has stood on; a pruned one ended at the last"),
    Name(TAG_FAMILY, TAG, "trial", "the parameter again, to group by"),
    Name(TAG_SPACE, TAG, "trial", "the parameter again, to group by"),
    Name(TAG_ORIGIN, TAG, "trial", "the parameter again, to group by"),
    Name(TAG_SEED, TAG, "trial", "the parameter again, to group by"),
    Name(TAG_DEVICE, TAG, "trial", "device that it was trained on"),
    Name(TAG_CAUSE, TAG, "trial", "why it ended: OK, PRUNED, DIVERGED, TIMEOUT and so on"),
    Name(TAG_MESSAGE, TAG, "trial", "what the failure said"),
    Name(TAG_SEARCH_UID, TAG, "search", "what the run is found by when the search is resumed"),
    Name(TAG_TRIAL_UID, TAG, "trial", "what the run is found by: the search's uid and the number of the trial"),
    Name(TAG_ATTEMPTS, TAG, "trial", "how often it was tried"),
    Name(TAG_EARLIER, TAG, "trial", "the attempts that failed before: one line each, with cohort, cause and message"),
    Name(TAG_CHANGED_PREFIX + "*", TAG, "both", "newest value of a parameter that a resumed search has changed"),
    Name(TAG_METRIC, TAG, "search", "scikit-learn name of the metric behind `score`"),
    Name(TAG_DIRECTION, TAG, "search", "maximize or minimize"),
    Name(TAG_STATUS, TAG, "search", "completed, cancelled or failed"),
    Name(TAG_BEST_TRIAL, TAG, "search", "number of the best trial"),
    Name(TAG_LATENCY_DEVICE, TAG, "search", "device that the latency was measured on"),
    Name(TAG_VERSION_PREFIX + "*", TAG, "search", "versions of the libraries"),
    Name(TAG_PREFIX + "*", TAG, "search", "anything else that the search wants to keep"),
    Name(TAG_PARENT, TAG, "trial", "run of the search"),
    Name(TAG_NOTE, TAG, "search", "summary in Markdown, shown as the description of the run"),
    Name(TAG_EXPERIMENT_KIND, TAG, "experiment", "what MLflow chooses its pages by"),
    Name(TAG_VIEW_PREFIX + "*", TAG, "experiment", "the saved view that compares the trials, by the run of the search"),
    Name(TAG_MODEL, TAG, "model", "checksum of the model file"),
    Name(TAG_SEARCH, TAG, "model", "name of the search that made the model"),
    Name(TAG_METRIC, TAG, "model", "scikit-learn name of the metric"),
    Name(TAG_FINGERPRINT, TAG, "model", "hash of the data that the model was made from"),
)
