"""What is asked: the kind of question, its metric, its targets as numbers."""
