"""YAML to a checked config, and mistakes to sentences."""
