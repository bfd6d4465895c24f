"""One process's calls: a host, a session each, the pipeline they run through."""
