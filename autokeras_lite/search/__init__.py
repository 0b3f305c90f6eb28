"""Which configuration next, when to stop, which model won. The one home of Optuna."""
