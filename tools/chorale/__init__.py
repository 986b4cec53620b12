"""The command `./chorale`: sets up, builds, boots, measures and tests the system."""
