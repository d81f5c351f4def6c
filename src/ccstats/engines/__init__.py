"""Tables that do not fit into memory, or onto one machine: counted a partition at a time, with the same result."""
