"""Keeps TensorFlow's start-up chatter off the terminal; takes effect when imported before TensorFlow."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
