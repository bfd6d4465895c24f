"""The Live stage: frames in, one google-genai session, frames out."""
