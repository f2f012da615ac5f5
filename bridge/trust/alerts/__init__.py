"""What happens when bytes are not those that were signed: the log, and whoever has to know at once."""
