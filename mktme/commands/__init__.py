"""What each command does: a function that takes what was typed and returns its exit status."""
