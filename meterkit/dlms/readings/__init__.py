"""What people want of a DLMS meter: registers, clock, identity, events, billing, the objects it has.

Each module has the values of one reading, and how they are read; `DlmsClient` has a method a reading.  Values
are plain and immutable; scaled numbers are exact decimals.
"""
