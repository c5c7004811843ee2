"""What is checked, one function a line of the report; each module has its steps in order."""
