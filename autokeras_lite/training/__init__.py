"""One cohort in, one outcome per trial out."""
