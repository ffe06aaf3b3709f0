"""Kernels on plain arrays: no bones, no sides, no files."""
