"""Benchmarks: ratios against peers and against the bare floor, measured side by side in one run."""
