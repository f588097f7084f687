"""What the verbs of `meterkit fleet` do."""
