"""The installed shape model of 26 people: surfaces, modes, template landmarks."""

from ischio.atlas.people import reconstruction

__all__ = ["reconstruction"]
