"""The Live protocol: messages, schemas, what each model does."""
