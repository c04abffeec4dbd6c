"""Mistakes in anonymisation.yaml."""

MISTAKES = {
    "a hash as a method": (
        "anonymisation.yaml",
        "method: truncate_ip\n    v4: 24\n    v6: 48",
        "method: hash",
        "a hash of 'user.device.ip_address' is not anonymous, since whoever guesses the value finds it again",
        "write keyed_hash, whose key is destroyed, or empty",
    ),
    "an unknown method": (
        "anonymisation.yaml",
        "method: truncate_ip",
        "method: scramble",
        "'scramble' is not allowed here",
        "keyed_hash",
    ),
    "a method for an unknown category": (
        "anonymisation.yaml",
        "^  user.unique_id:",
        "  user.unique_ids:",
        "unknown category 'user.unique_ids'",
        "'user.unique_id'",
    ),
    "a fixed value that is not given": (
        "anonymisation.yaml",
        "method: empty",
        "method: fixed",
        "the method fixed of 'user.unique_id' needs 'value'",
        "add 'value",
    ),
    "a coarse time without its measure": (
        "anonymisation.yaml",
        "method: empty",
        "method: coarse_time",
        "needs 'to'",
        "add 'to",
    ),
    "an address cut to no length": ("anonymisation.yaml", "^    v6: 48\n", "", "needs 'v6'", "add 'v6"),
    "an address cut too late": (
        "anonymisation.yaml",
        "v4: 24",
        "v4: 32",
        "32 bits of an address of 'user.device.ip_address' lead to a household",
        "write 0 to 24",
    ),
    "a field of another method": (
        "anonymisation.yaml",
        "method: empty",
        "method: empty\n    value: nobody",
        "the method empty of 'user.unique_id' takes no 'value'",
        "remove it",
    ),
    "a method without its reason": ("anonymisation.yaml", "^    why: .*\n", "", "the key 'why'", "add 'why"),
    "a crowd of one": ("anonymisation.yaml", "value: 5", "value: 1", "a group of 1 hides nobody", "2 or more"),
    "a crowd of rows": ("anonymisation.yaml", "unit: people", "unit: rows", "'rows' is not allowed", "people"),
}
