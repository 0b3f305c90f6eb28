"""Which memory is used up, by what is really raised; the rest of the program is held by the laws of cohorts."""

import numpy as np
import pytest
import tensorflow as tf

from autokeras_lite.training.compiled_epoch import device_names, out_of_memory_cause
from autokeras_lite.trial import Cause

# More bytes than there are addresses: no machine lends them, however it overcommits.
TOO_LARGE = (1 << 24, 1 << 24)


def test_an_array_that_does_not_fit_is_memory_of_the_host():
    with pytest.raises(MemoryError) as raised:
        np.ones(TOO_LARGE, dtype=np.float32)
    assert out_of_memory_cause(raised.value) is Cause.OUT_OF_MEMORY_HOST


@pytest.mark.slow
def test_a_tensor_that_does_not_fit_on_the_cpu_is_memory_of_the_host():
    # Slow because TensorFlow waits ten seconds for memory to come back.
    with tf.device("CPU"), pytest.raises(tf.errors.ResourceExhaustedError) as raised:
        tf.zeros(TOO_LARGE)
    assert out_of_memory_cause(raised.value) is Cause.OUT_OF_MEMORY_HOST


def test_a_tensor_that_does_not_fit_on_a_gpu_is_memory_of_the_device_where_there_is_one():
    text = "OOM when allocating tensor with shape[9] and type float on /job:localhost/replica:0/task:0/device:GPU:0"
    cause = out_of_memory_cause(tf.errors.ResourceExhaustedError(None, None, text))
    has_gpu = device_names()[0].startswith("GPU")
    assert cause is (Cause.OUT_OF_MEMORY_DEVICE if has_gpu else Cause.OUT_OF_MEMORY_HOST)


@pytest.mark.parametrize("error", [ValueError("OOM"), tf.errors.InternalError(None, None, "GPU"), OSError(28, "full")])
def test_other_errors_are_not_about_memory(error):
    assert out_of_memory_cause(error) is None
