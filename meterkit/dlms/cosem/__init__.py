"""COSEM objects: their names, classes and values."""
