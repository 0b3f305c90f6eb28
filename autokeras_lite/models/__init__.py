"""Families: a frozen config and a function that builds a Keras model from it."""
