"""Pipecat shells around core: one stage a file."""
