"""Shows that a converted model computes what CNTK computed."""
