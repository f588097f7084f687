"""Profiles (class 7): rows as a stream, columns at the speed of buffers, resumed where a line broke.

An answer's octets become batches, which are columns of some rows; what rows leave out is filled in, rows get
their moments and their order; then `ProfileRow` and `ProfileColumns` are made of them.
"""
