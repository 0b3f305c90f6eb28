"""What a search leaves behind: one model file that takes raw columns, and what it takes to believe it."""
