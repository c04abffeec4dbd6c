"""Services that hypothesis makes up, from tables to rows, and what must become of their rows.

`shapes` says what a table is and makes schemas up; `building` turns them into tagged tables; `filling` makes rows up; `oracle`
works out row by row in plain Python, without SQL, what retention, erasure and export must do; `examples` keeps what once failed.
"""
