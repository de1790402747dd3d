"""Installs the packages of this project into `.venv` and `.local`. It needs the standard library of Python alone."""
