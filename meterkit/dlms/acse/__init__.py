"""ACSE (ISO/IEC 8650-1 as IEC 62056-53 uses it): how an association is asked for, granted and released."""
