"""Decisions without I/O: values and a time in, values out."""
