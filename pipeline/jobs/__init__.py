"""What is done after a call: late scoring and webhooks, by a worker that survives kills."""
