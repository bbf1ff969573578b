"""Evaluation: predictions of a run, closure of data and simulation, performance, and the report that compares runs."""
