"""The commands that submit jobs and follow them."""
