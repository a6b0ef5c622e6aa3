"""What is checked, and how a text about families becomes a ground system."""
