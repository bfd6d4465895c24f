"""The HTTP application: the page, WebRTC signalling and records."""
