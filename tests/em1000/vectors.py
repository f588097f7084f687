"""The frames of tests/vectors/em1000.json, and the stream that the five observed ones make."""

import json
from pathlib import Path

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "em1000.json").read_text())
OBSERVED = [vector for vector in VECTORS if vector["observed"]]
PAYLOADS = [bytes.fromhex(vector["payload"]) for vector in OBSERVED]
FRAMES = [bytes.fromhex(vector["hex"]) for vector in OBSERVED]
STRAY = b"\xff\xff"  # came after the challenge, outside any frame
STREAM = FRAMES[0] + FRAMES[1] + STRAY + FRAMES[2] + FRAMES[3] + FRAMES[4]

# In the form of the forum's post: one line, arrows behind the octets, remarks between, a stray letter.
POSTED = (
    "I logged this on 26 April 2015 at 10:33:04, all of it begins with 0xAA: AA 01 0F DE C2 >> asks "
    "AA 09 FF 43 38 C8 44 64 22 32 11 C8 6C l << a challenge? FF FF << no idea... ! "
    "AA 06 01 03 BE 3B 3E 36 87 1C >> ?the response AA 07 FF E8 03 02 00 18 00 73 6D << ?in "
    "and with an old response, AA 01 FD 83 0D which may be a refusal."
)
