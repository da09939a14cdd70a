"""The tests: one folder per concern, each against real servers except core/."""
