"""A secured association at work: whose keys, which counters, and the link that protects and verifies."""
