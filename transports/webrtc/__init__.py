"""Transport `webrtc`: a browser as the caller."""
