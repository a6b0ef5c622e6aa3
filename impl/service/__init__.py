"""The key service of RFC v2 and its variants: start at `globalscope`, then `hotplug`."""
