"""Pictures and pages made from a finished or running search."""
