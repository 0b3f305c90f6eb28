"""The best Keras model that your data supports, within the time you give, with a score you can believe."""

__version__ = "0.1.0"
