"""Is a data set in Alpaca's format any good? Defects with their rows, safe mends, and the picture of its verbs.

`reading` opens a file, `row_defects` and `set_defects` name what is wrong in one row or between rows, `report` puts it
together, `fix` writes a mended copy, `verbs` and `figures` draw the diversity, `command` is `alpaca-nb inspect`.
"""
