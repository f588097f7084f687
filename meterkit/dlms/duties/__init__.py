"""What people have a DLMS meter do: set its clock, switch, take firmware, change its tariffs, push.

Each module has one duty; `DlmsClient` has a method for each.  Nothing that writes is ever sent twice.
"""
