"""The tests, a folder for each concern. All but core/ start real servers."""
