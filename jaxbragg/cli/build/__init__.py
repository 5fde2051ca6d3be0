"""Flags → models, one file for each noun of an experiment."""
