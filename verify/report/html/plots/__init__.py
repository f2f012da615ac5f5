"""Plots as inline SVG, made by small functions of our own."""
