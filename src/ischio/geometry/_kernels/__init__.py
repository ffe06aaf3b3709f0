"""Compiled loops of the gap engine, on plain float64 arrays in one frame; nothing is allocated per pose.

``gap_field`` prepares the arrays and explains what they mean.
"""
