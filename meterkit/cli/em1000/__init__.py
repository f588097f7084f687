"""What the verbs of `meterkit em1000` do, one file each."""
