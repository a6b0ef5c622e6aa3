"""Two systems side by side: what one of them allows and the other does not."""
