"""One module a command. They are imported to show help, so whatever is heavy is imported inside the command."""
