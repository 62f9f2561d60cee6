"""A study: settings, equilibration, one run per mode from the same snapshots, and their files."""
