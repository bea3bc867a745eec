"""Stage 06: what this run cost, what the article's job cost then and would cost now, and the report.

`accounting` adds up the stage records, `projection` scales to any number of rows, `rental` holds dated GPU prices,
`claims` recomputes the article's figures, `report` writes the one self-contained page.
"""
