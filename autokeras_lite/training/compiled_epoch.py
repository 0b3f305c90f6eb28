"""One epoch of many lanes as one compiled TensorFlow program. The only file that calls TensorFlow.

Forward and loss of a lane run through `Model.stateless_call`; lanes are vectorised by `tf.vectorized_map` with the
gradient tape outside of it. All trainable variables are kept as one `(lanes, parameters)` variable, so that any
elementwise Keras optimizer works unchanged, with a learning rate of shape `(lanes, 1)`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from autokeras_lite.data.arrays import EncodedData
from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.training.lanes import Lanes, Template
from autokeras_lite.training.losses import RowLoss, predict, row_losses, smooth
from autokeras_lite.trial import Cause

Floats = NDArray[np.float32]
_VALIDATION_CHUNK = 4096
_MEGABYTE = 1 << 20


@dataclass(frozen=True)
class DeviceData:
    """Encoded rows where the computation runs. The rows of fold f are those of the data, shifted by `offsets[f]`."""

    inputs: Mapping[str, Any]
    targets: Any
    weights: Any | None
    train_rows: tuple[NDArray[np.int64], ...]
    validation_rows: tuple[NDArray[np.int64], ...]

    @property
    def num_train_rows(self) -> int:
        """How many rows an epoch can draw from, in the smallest fold."""
        return min(len(rows) for rows in self.train_rows)


@dataclass(frozen=True)
class Objective:
    """What a lane is trained for and in which batches; `batch_seed` draws their order."""

    kind: TaskKind
    row_loss: RowLoss
    batch_size: int
    batch_seed: int
    make_optimizer: Callable[[keras.optimizers.schedules.LearningRateSchedule, Floats], keras.optimizers.Optimizer]


def place_data(data: EncodedData, folds: Sequence[int], names: Sequence[str]) -> DeviceData:
    """Copy the rows of these folds to the device, once for all epochs and lanes; of their inputs only those named."""
    chosen = [data.folds[fold] for fold in folds]
    offsets = np.arange(len(folds)) * len(data.labels)
    return DeviceData(
        inputs={name: tf.constant(_stacked([fold.inputs[name] for fold in chosen])) for name in names},
        targets=tf.constant(_stacked([fold.targets for fold in chosen])),
        weights=None if data.weights is None else tf.constant(_stacked([data.weights] * len(folds))),
        train_rows=tuple(np.asarray(f.train_rows) + o for f, o in zip(chosen, offsets, strict=True)),
        validation_rows=tuple(np.asarray(f.validation_rows) + o for f, o in zip(chosen, offsets, strict=True)),
    )


def _stacked(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.ascontiguousarray(arrays[0]) if len(arrays) == 1 else np.concatenate(arrays)


class CurrentRate(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate of each lane at this step, shape `(lanes, 1)`; the program sets it."""

    def __init__(self, num_lanes: int) -> None:
        self.value = tf.Variable(tf.zeros((num_lanes, 1)), trainable=False)

    def __call__(self, step: Any) -> Any:
        """Return the rates, whatever the step."""
        return self.value

    def get_config(self) -> dict[str, Any]:
        """Return nothing: this schedule is never saved."""
        return {}


class LaneProgram:
    """Lanes in training: their weights, the state of their optimizer, their best weights so far.

    `fold` in `lanes` is the index of a fold of `data`. Lanes of one fold share their batches; otherwise each lane
    draws its own from the rows of its fold.
    """

    def __init__(self, template: Template, lanes: Lanes, data: DeviceData, objective: Objective) -> None:
        self.template, self.lanes, self.data, self.objective = template, lanes, data, objective
        self.shapes = [tuple(v.shape) for v in template.model.trainable_variables]
        self.flat = keras.Variable(lanes.parameters, trainable=True, name="parameters")
        self.state = [tf.Variable(array) for array in lanes.state]
        self.seeds = [tf.Variable(seed.value) for seed in template.seeds]
        self.best_flat = tf.Variable(lanes.parameters)
        self.best_state = [tf.Variable(array) for array in lanes.state]
        self.rate = CurrentRate(len(lanes))
        self.fade = tf.Variable(tf.ones(len(lanes)), trainable=False)
        self.optimizer = objective.make_optimizer(self.rate, lanes.beta_2[:, None])
        self.optimizer.build([self.flat])
        rows = data.num_train_rows
        self.batch_size = min(objective.batch_size, rows)
        self.num_steps = rows // self.batch_size
        self._folds = np.unique(lanes.fold)
        self._decay, self._l1, self._l2 = self._coefficients()
        self._epoch = tf.function(self._run_steps, autograph=False)
        self._validate = tf.function(self._predict, autograph=False)

    # What the loop calls -------------------------------------------------------------------------------------------

    def train_epoch(self, epoch: int, rates: NDArray[np.float64], fades: NDArray[np.float64]) -> Floats:
        """Train every lane for one epoch; return the mean loss of each lane.

        `rates` `(steps, lanes)` are learning rates, `fades` of the same shape factors on dropout and weight decay.
        """
        order = tf.constant(epoch, tf.int32)
        return np.asarray(self._epoch(order, tf.constant(rates, tf.float32), tf.constant(fades, tf.float32)))

    def predict_validation(self) -> tuple[list[NDArray[np.float64]], Floats]:
        """Return for each lane its activated outputs `(validation rows, units)`, and the mean loss of each lane."""
        outputs, losses = (np.asarray(array) for array in self._validate())
        lengths = [len(self.data.validation_rows[fold]) for fold in self.lanes.fold]
        means = np.array([losses[lane, :length].mean() for lane, length in enumerate(lengths)], dtype=np.float32)
        return [outputs[lane, :length] for lane, length in enumerate(lengths)], means

    def keep_best(self, improved: NDArray[np.bool_]) -> None:
        """Remember the present weights of these lanes, a mask `(lanes,)`, as their best."""
        pairs = [(self.best_flat, self.flat.value), *zip(self.best_state, self.state, strict=True)]
        for best, present in pairs:
            mask = improved.reshape((-1,) + (1,) * (len(best.shape) - 1))
            best.assign(tf.where(mask, present, best))

    def best_weights(self, lane: int) -> tuple[Floats, list[Floats]]:
        """Return the best flat parameters and state arrays of one lane."""
        return np.asarray(self.best_flat[lane]), [np.asarray(state[lane]) for state in self.best_state]

    def select(self, lanes: Sequence[int]) -> "LaneProgram":
        """Return a program of fewer lanes, only these, that goes on exactly where they are."""
        smaller = LaneProgram(self.template, self.lanes.take(lanes), self.data, self.objective)
        rows, present = tf.constant(list(lanes)), self._variables()
        for name, variable in smaller._variables().items():
            # What has no row for each lane, such as seeds and counters, is the same in both.
            is_shared = variable.shape == present[name].shape
            variable.assign(present[name] if is_shared else tf.gather(present[name], rows))
        return smaller

    def snapshot(self) -> Iterator[tuple[str, NDArray[Any]]]:
        """Read everything that training changes, one array after the other, each with its name."""
        return ((name, variable.numpy()) for name, variable in self._variables().items())

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on exactly where the program was that `snapshot` read; both have the same lanes.

        Raises:
            ValueError: the arrays are those of another program; nothing was changed.
        """
        variables = self._variables()
        expected = {n: (tuple(v.shape), np.dtype(v.dtype.as_numpy_dtype)) for n, v in variables.items()}
        given = {name: (array.shape, array.dtype) for name, array in arrays.items()}
        if given != expected:
            raise ValueError(f"A program was to go on from arrays {given}. Expected {expected}.")
        for name, variable in variables.items():
            variable.assign(arrays[name])

    def _variables(self) -> dict[str, Any]:
        lists = {
            "state": self.state,
            "best_state": self.best_state,
            "seed": self.seeds,
            "optimizer": [variable.value for variable in self.optimizer.variables],
        }
        listed = {f"{name}-{i}": variable for name, found in lists.items() for i, variable in enumerate(found)}
        return {"parameters": self.flat.value, "best_parameters": self.best_flat} | listed

    # What is compiled ----------------------------------------------------------------------------------------------

    def _run_steps(self, epoch: Any, rates: Any, fades: Any) -> Any:
        order = self._order(epoch)
        shape = (*order.shape[:-1], self.batch_size)

        def step(number: Any, total: Any) -> tuple[Any, Any]:
            self.rate.value.assign(rates[number][:, None])
            self.fade.assign(fades[number])
            start = number * self.batch_size
            rows = tf.ensure_shape(order[..., start : start + self.batch_size], shape)
            return number + 1, total + self._train_step(rows)

        _, total = _repeat(self.num_steps, step, tf.zeros((len(self.lanes),)))
        return total / self.num_steps

    def _order(self, epoch: Any) -> Any:
        """Shuffle the training rows: `(rows,)` when all lanes share a fold, else `(lanes, rows)`."""
        orders = {}
        for fold in self._folds:
            seed = tf.stack([self.objective.batch_seed + int(fold), epoch])
            shuffled = tf.random.experimental.stateless_shuffle(tf.constant(self.data.train_rows[fold]), seed)
            orders[fold] = shuffled[: self.num_steps * self.batch_size]
        if len(self._folds) == 1:
            return orders[self._folds[0]]
        return tf.stack([orders[fold] for fold in self.lanes.fold])

    def _train_step(self, rows: Any) -> Any:
        parameters, seeds = self.flat.value.value(), [seed.value() for seed in self.seeds]
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            losses, states, new_seeds = self._map_lanes(self._lane_loss, parameters, seeds, rows)
            total = tf.reduce_sum(losses)
        gradient = self._clipped(self._penalised(tape.gradient(total, parameters), parameters))
        if self._decay is not None:
            self.flat.value.assign_sub(self.flat.value * self._decay * self.rate.value * self.fade[:, None])
        self.optimizer.apply([gradient], [self.flat])
        # Every lane advanced the same seeds in the same way: the first lane's serve all.
        after = [*states, *(seed[0] for seed in new_seeds)]
        for variable, value in zip([*self.state, *self.seeds], after, strict=True):
            variable.assign(tf.cast(value, variable.dtype))
        return losses

    def _map_lanes(self, lane: Callable[..., Any], parameters: Any, seeds: list[Any], rows: Any) -> Any:
        """Run `lane` for every lane: vectorised, or directly when there is but one."""
        state = [variable.value() for variable in self.state]
        shared = None if len(rows.shape) == 2 else self._batch(rows)
        own = tf.constant(self.lanes.dropout) * self.fade[:, None], tf.constant(self.lanes.smoothing)
        if len(self.lanes) == 1:
            batch = shared or self._batch(rows[0])
            single = lane(parameters[0], [value[0] for value in state], own[0][0], own[1][0], seeds, batch)
            return tf.nest.map_structure(lambda value: tf.expand_dims(value, 0), single)
        mapped = [parameters, state, *own] if shared else [parameters, state, *own, rows]

        def one(values: Sequence[Any]) -> Any:
            return lane(*values[:4], seeds, shared or self._batch(values[4]))

        return tf.vectorized_map(one, mapped, fallback_to_while_loop=False)

    def _batch(self, rows: Any) -> tuple[Any, ...]:
        inputs = {name: tf.gather(array, rows) for name, array in self.data.inputs.items()}
        weights = None if self.data.weights is None else tf.gather(self.data.weights, rows)
        return inputs, tf.gather(self.data.targets, rows), weights

    def _lane_loss(
        self, parameters: Any, state: list[Any], dropout: Any, smoothing: Any, seeds: list[Any], batch: Any
    ) -> Any:
        inputs, targets, weights = batch
        outputs, after = self._call(parameters, state, dropout, seeds, inputs, training=True)
        losses = row_losses(self.objective.row_loss, smooth(targets, smoothing, self.objective.kind), outputs)
        # As Keras: weighted losses are divided by the number of rows, not by the sum of the weights.
        mean = tf.reduce_mean(losses if weights is None else losses * weights)
        by_role = [(role, value) for value, (role, _) in zip(after, self.template.roles, strict=True)]
        return mean, [value for role, value in by_role if role == "state"], [v for role, v in by_role if role == "seed"]

    def _call(
        self, parameters: Any, state: list[Any], dropout: Any, seeds: list[Any], inputs: Any, *, training: bool
    ) -> Any:
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        parts = tf.split(parameters, sizes, axis=0)
        trainable = [tf.reshape(part, shape) for part, shape in zip(parts, self.shapes, strict=True)]
        sources = {"state": state, "seed": seeds}
        others = [dropout[i] if role == "rate" else sources[role][i] for role, i in self.template.roles]
        return self.template.model.stateless_call(trainable, others, inputs, training=training)

    def _predict(self) -> tuple[Any, Any]:
        lengths = [len(self.data.validation_rows[fold]) for fold in self._folds]
        chunk = min(_VALIDATION_CHUNK, max(lengths))
        num_chunks = -(-max(lengths) // chunk)
        per_fold = {f: np.resize(self.data.validation_rows[f], num_chunks * chunk) for f in self._folds}
        shared = len(self._folds) == 1
        index = per_fold[self._folds[0]] if shared else np.stack([per_fold[fold] for fold in self.lanes.fold])
        index = tf.constant(index)
        parameters, seeds = self.flat.value.value(), [seed.value() for seed in self.seeds]
        outputs = tf.TensorArray(tf.float64, size=num_chunks)

        def step(number: Any, outputs: Any) -> tuple[Any, Any]:
            start = number * chunk
            rows = tf.ensure_shape(index[..., start : start + chunk], (*index.shape[:-1], chunk))
            return number + 1, outputs.write(number, self._map_lanes(self._lane_prediction, parameters, seeds, rows))

        _, outputs = _repeat(num_chunks, step, outputs)
        # From (chunks, lanes, rows, ...) to (lanes, all rows, ...).
        lanes_first = tf.transpose(outputs.stack(), (1, 0, 2, 3))
        joined = tf.reshape(lanes_first, (len(self.lanes), num_chunks * chunk, -1))
        return joined[..., :-1], joined[..., -1]

    def _lane_prediction(
        self, parameters: Any, state: list[Any], dropout: Any, smoothing: Any, seeds: list[Any], batch: Any
    ) -> Any:
        """Return activated outputs and, as the last column, the loss of each row.

        In float64, as in a model file: in float32 what is nearly certain would be certain, and could not be calibrated.
        """
        inputs, targets, _ = batch
        outputs, _ = self._call(parameters, state, dropout, seeds, inputs, training=False)
        losses = row_losses(self.objective.row_loss, targets, outputs)
        predicted = predict(tf.cast(outputs, tf.float64), self.objective.kind)
        return tf.concat([predicted, tf.cast(losses, tf.float64)[:, None]], axis=1)

    # Gradients -----------------------------------------------------------------------------------------------------

    def _coefficients(self) -> tuple[Any | None, Any | None, Any | None]:
        """Spread per-lane and per-variable factors over the flat parameters; `None` where no lane has any."""
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        # Biases, and the scales and offsets of normalisations, do not decay.
        decays = [len(v.shape) > 1 and "bias" not in v.path for v in self.template.model.trainable_variables]
        kernels = np.repeat(decays, sizes).astype(np.float32)
        spread = [np.repeat(factors, sizes, axis=1) for factors in (self.lanes.l1, self.lanes.l2)]
        decay = self.lanes.weight_decay[:, None] * kernels
        return tuple(tf.constant(c) if c.any() else None for c in (decay, *spread))  # type: ignore[return-value]

    def _penalised(self, gradient: Any, parameters: Any) -> Any:
        """Add the gradient of `l1 * sum(|w|) + l2 * sum(w ** 2)`."""
        if self._l1 is not None:
            gradient += self._l1 * tf.sign(parameters)
        if self._l2 is not None:
            gradient += 2.0 * self._l2 * parameters
        return gradient

    def _clipped(self, gradient: Any) -> Any:
        """Scale the gradient of each lane down to the lane's norm, as Keras's `global_clipnorm`; 0 means never."""
        if not self.lanes.clip_norm.any():
            return gradient
        limit = tf.constant(self.lanes.clip_norm)[:, None]
        norm = tf.norm(gradient, axis=1, keepdims=True)
        scale = tf.where(limit > 0, tf.minimum(1.0, limit / tf.maximum(norm, 1e-12)), 1.0)
        return gradient * scale


def _repeat(times: int, step: Callable[[Any, Any], tuple[Any, Any]], carried: Any) -> tuple[Any, Any]:
    """Run `step(number, carried)` so many times in the graph.

    Written out rather than left to AutoGraph, which would take longer to rewrite these functions than to trace them.
    """
    return tf.while_loop(  # type: ignore[no-any-return]
        lambda number, _: number < times, step, (tf.constant(0), carried), parallel_iterations=1
    )


def configure_tensorflow(num_threads: int | None, gpu_bytes: int | None = None) -> None:
    """Limit the threads, and the memory on each GPU; without a limit it grows. Must run before the first operation."""
    tf.get_logger().setLevel("ERROR")  # it warns of every program that is traced, which is what this process is for
    if num_threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(num_threads)
        tf.config.threading.set_inter_op_parallelism_threads(num_threads)
    for gpu in tf.config.list_physical_devices("GPU"):
        if gpu_bytes is None:
            tf.config.experimental.set_memory_growth(gpu, True)
        else:
            limited = tf.config.LogicalDeviceConfiguration(memory_limit=max(1, gpu_bytes // _MEGABYTE))
            tf.config.set_logical_device_configuration(gpu, [limited])


def device_names() -> tuple[str, ...]:
    """Name the devices that TensorFlow sees, GPUs first: what a model would run on is the first."""
    gpus = tf.config.list_physical_devices("GPU")
    named = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
    return (*(f"GPU {name}" for name in named), "CPU")


def describe_device() -> str:
    """Name what a model runs on here: a GPU, or the CPU with the number of threads that it may use."""
    first, threads = device_names()[0], tf.config.threading.get_intra_op_parallelism_threads()
    return f"{first}, {threads} thread{'' if threads == 1 else 's'}" if first == "CPU" and threads else first


def is_untouched() -> bool:
    """Say whether TensorFlow was only imported: a process may fork as long as nothing was initialised."""
    from tensorflow.python.eager import context

    return context.context()._context_handle is None


def out_of_memory_cause(error: BaseException) -> Cause | None:
    """Return which memory an error says is used up, that of the GPU or that of the machine; `None` for others.

    On a CPU TensorFlow raises `ResourceExhaustedError` for a tensor, and numpy `MemoryError`. A small allocation inside
    TensorFlow that fails raises nothing: it ends the process (SIGABRT, SIGSEGV).
    """
    if isinstance(error, MemoryError):
        return Cause.OUT_OF_MEMORY_HOST
    if not isinstance(error, tf.errors.ResourceExhaustedError):
        return None
    is_about_gpu = "GPU" in str(error) and bool(tf.config.list_physical_devices("GPU"))
    return Cause.OUT_OF_MEMORY_DEVICE if is_about_gpu else Cause.OUT_OF_MEMORY_HOST
