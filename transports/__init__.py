"""Transports of calls and their listeners: WebRTC, a recording."""
