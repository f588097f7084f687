"""Editions of the OSGP meters: their extended tables."""
