"""Words that a parameter may hold where only some are known: the one list that recipes, stages and commands read."""

PROTOCOLS = ("repaired", "numbered", "structured", "list", "stanford")  # see the table in `generation.ways`
JUDGES = ("checkable", "model", "people")
EVALUATION_SETS = ("kit", "self_instruct", "alpaca_eval")  # or a file of open tasks
RIVALS = ("untuned", "text-davinci-003")  # or a file of answers, in rival_path
