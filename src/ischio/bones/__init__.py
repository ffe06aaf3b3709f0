"""Bones from what was read: label maps to surfaces, surfaces cleaned and oriented."""
