"""The SQL functions that a purpose may call: those that see no more than their arguments.

A function that is not here might run SQL that it is given as text (`query_to_xml`, `ts_stat`), read files (`pg_read_file`)
or change a setting (`set_config`); default deny, as new ones come with every version. Names are those of SQLite and
PostgreSQL (SQLite: https://sqlite.org/lang_corefunc.html and the pages beside it; PostgreSQL: its manual, chapter 9).
"""

from __future__ import annotations

AGGREGATES = {
    "array_agg", "avg", "bool_and", "bool_or", "corr", "count", "every", "group_concat", "json_agg", "json_group_array",
    "json_group_object", "json_object_agg", "jsonb_agg", "jsonb_object_agg", "max", "min", "mode", "percentile_cont",
    "percentile_disc", "stddev", "stddev_pop", "stddev_samp", "string_agg", "sum", "total", "var_pop", "var_samp", "variance",
}  # fmt: skip
WINDOWS = {
    "cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value", "ntile", "percent_rank", "rank",
    "row_number",
}  # fmt: skip
TEXTS = {
    "ascii", "bit_length", "btrim", "char_length", "concat", "concat_ws", "convert_from", "convert_to", "decode", "encode",
    "format", "glob", "hex", "initcap", "instr", "left", "length", "like", "lower", "lpad", "ltrim", "md5", "normalize",
    "octet_length", "position", "printf", "quote", "regexp_count", "regexp_like", "regexp_match", "regexp_replace", "repeat",
    "replace", "reverse", "right", "rpad", "rtrim", "sha224", "sha256", "sha384", "sha512", "split_part", "starts_with",
    "strpos", "substr", "substring", "translate", "trim", "unhex", "unicode", "upper",
}  # fmt: skip
NUMBERS = {
    "abs", "ceil", "ceiling", "coalesce", "exp", "floor", "greatest", "iif", "least", "ln", "log", "mod", "nullif", "pow",
    "power", "random", "round", "sign", "sqrt", "trunc", "width_bucket",
}  # fmt: skip
TIMES = {
    "age", "clock_timestamp", "current_date", "current_time", "current_timestamp", "date", "date_bin", "date_part",
    "date_trunc", "datetime", "julianday", "localtime", "localtimestamp", "make_date", "make_interval", "now",
    "statement_timestamp", "strftime", "time", "to_char", "to_date", "to_timestamp", "transaction_timestamp", "unixepoch",
}  # fmt: skip
NESTED = {
    "array_length", "array_position", "array_to_string", "cardinality", "generate_series", "json", "json_array",
    "json_array_elements", "json_array_elements_text", "json_array_length", "json_build_array", "json_build_object",
    "json_each", "json_each_text", "json_extract", "json_extract_path", "json_extract_path_text", "json_object",
    "json_object_keys", "json_quote", "json_remove", "json_set", "json_to_recordset", "json_tree", "json_type", "json_typeof",
    "json_valid", "jsonb_array_elements", "jsonb_array_elements_text", "jsonb_array_length", "jsonb_build_array",
    "jsonb_build_object", "jsonb_each", "jsonb_each_text", "jsonb_extract_path", "jsonb_extract_path_text",
    "jsonb_object_keys", "jsonb_set", "jsonb_typeof", "row_to_json", "string_to_array", "to_json", "to_jsonb", "unnest",
}  # fmt: skip
NETWORKS = {"broadcast", "family", "host", "masklen", "network", "set_masklen"}
LOCKS = {
    "pg_advisory_xact_lock", "pg_advisory_xact_lock_shared", "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared",
}  # fmt: skip
OTHERS = {"gen_random_uuid", "hashtext", "pg_input_is_valid", "typeof", "uuid_generate_v4"}

HARMLESS = frozenset(AGGREGATES | WINDOWS | TEXTS | NUMBERS | TIMES | NESTED | NETWORKS | LOCKS | OTHERS)
"""The names of all of them, in small letters."""
