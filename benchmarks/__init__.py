"""Check the project's claims about speed, memory and interrupted sweeps."""
