"""Puts a call together: config, stages, session, record, server, commands."""
