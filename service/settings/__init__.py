"""All settings of all roles: which there are, where each value comes from, and how they are shown."""
