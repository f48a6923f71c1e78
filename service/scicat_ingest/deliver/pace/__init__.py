"""How fast, how much at once, and whether at all: what all deliveries share. Pure, but for `traffic`."""
