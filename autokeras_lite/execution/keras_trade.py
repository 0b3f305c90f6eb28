"""Training with Keras: what a child calls. Importing it loads Keras and TensorFlow, and starts nothing of them."""

from autokeras_lite.execution.executor import CohortJob, CohortResult, Reporter
from autokeras_lite.models.loading import load_keras

load_keras()

from autokeras_lite.training.cohort import TrainingJob, train_cohort  # noqa: E402 - silently, after `load_keras`


def train(job: CohortJob, free_bytes: int, report: Reporter) -> CohortResult:
    """Train a cohort."""
    training_job = TrainingJob(
        cohort=job.cohort,
        task=job.task,
        data_folder=job.data_folder,
        trials_folder=job.trials_folder,
        free_bytes=free_bytes,
        checkpoint_folder=job.checkpoint_folder,
    )
    return CohortResult(job.cohort, train_cohort(training_job, report))
