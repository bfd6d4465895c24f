"""The session record: its database, journal, recovery and exports."""
