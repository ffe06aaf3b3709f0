"""Files to values and back; nothing here judges anatomy."""
