"""The key retention service around it: start at `retention`, then `keypayload`."""
