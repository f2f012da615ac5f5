"""The parts of the page, one file each, in functions that give ``None`` where there is nothing to say."""
