"""Faults: what a scenario may make the service do wrong."""
