"""Experiments: which arm a call is assigned to."""
