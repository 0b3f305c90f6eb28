"""What may vary: ranges, conditions and portfolios, read from TOML. Knows neither Optuna nor Keras."""
