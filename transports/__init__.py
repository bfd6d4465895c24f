"""Where calls come from: WebRTC, a recording."""
