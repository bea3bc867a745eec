"""Two ways of reading a teacher's answers.

- `repaired` keeps a task whose three fields are there, whatever its number and separators look like; it drops what was
  cut, merged or copied.
- `stanford` keeps what Stanford Alpaca's generate_instruction.py keeps, to the letter, defects included.
"""

from typing import Literal

Protocol = Literal["repaired", "stanford"]
