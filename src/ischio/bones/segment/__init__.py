"""Bones from a CT alone: found, laid, told apart, named."""
