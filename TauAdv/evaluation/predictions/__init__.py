"""Prediction tables: made by inference, written beside a run, read with what their rows are."""
