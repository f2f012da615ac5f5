"""What keeps generated files up to date."""
