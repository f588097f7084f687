"""What the verbs of `meterkit dlms` do, one file a verb."""
