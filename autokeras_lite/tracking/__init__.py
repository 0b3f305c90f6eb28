"""What is written down about a search. The one home of MLflow."""
