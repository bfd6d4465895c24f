"""The listening side: sockets, HTTP, certificates, tokens."""
