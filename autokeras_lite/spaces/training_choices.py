"""What a space may say about training: the fields of `TrainingConfig` with their bounds and their words."""

from autokeras_lite.spaces.setting import Setting, by_name
from autokeras_lite.trial import TrainingConfig

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "lion")
SCHEDULES = ("constant", "cosine", "one_cycle", "plateau", "coslog4")
# Those at whose end the rate is 0.
SHRINKING_SCHEDULES = ("cosine", "one_cycle", "coslog4")
FADINGS = ("none", "flat_cosine")
TIES = ("loss", "last")
LOSSES = ("auto", "mean_squared_error", "binary_crossentropy", "categorical_crossentropy", "kl_divergence", "huber")

_DEFAULTS = TrainingConfig()

TRAINING_SETTINGS = by_name(
    (
        Setting("optimizer", _DEFAULTS.optimizer, options=OPTIMIZERS),
        Setting("momentum", _DEFAULTS.momentum, low=0.0, high=1.0, below_high=True),
        Setting("nesterov", _DEFAULTS.nesterov),
        Setting("loss", _DEFAULTS.loss, options=LOSSES),
        Setting("batch_size", _DEFAULTS.batch_size, low=0),
        Setting("epochs", _DEFAULTS.epochs, low=1),
        Setting("patience", _DEFAULTS.patience, low=1),
        Setting("learning_rate", _DEFAULTS.learning_rate, low=0.0, high=100.0),
        Setting("weight_decay", _DEFAULTS.weight_decay, low=0.0, high=100.0),
        Setting("label_smoothing", _DEFAULTS.label_smoothing, low=0.0, high=1.0, below_high=True),
        Setting("clip_norm", _DEFAULTS.clip_norm, low=0.0),
        Setting("schedule", _DEFAULTS.schedule, options=SCHEDULES),
        Setting("warmup", _DEFAULTS.warmup, low=0.0, high=1.0, below_high=True),
        Setting("beta_2", _DEFAULTS.beta_2, low=0.0, high=1.0, below_high=True),
        Setting("fading", _DEFAULTS.fading, options=FADINGS),
        Setting("ties", _DEFAULTS.ties, options=TIES),
    )
)
