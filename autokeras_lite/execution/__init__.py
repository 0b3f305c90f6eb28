"""Where and under which limits a cohort runs."""
