"""Meters from a file: objects with their rights, values that stand still or move, profiles that grow on."""
