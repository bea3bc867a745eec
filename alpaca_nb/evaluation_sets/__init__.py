"""Open tasks on which models are compared: the kit's own set, and two published ones that are fetched when asked for.

- `kit`: 250 tasks written for this kit (Apache-2.0), in ten categories, the article's email, social media and
  productivity among them, each with a reference answer. Not for training.
- `self_instruct`: the 252 user-oriented tasks of Wang et al. 2022, from which the article's 90 : 89 was drawn.
- `alpaca_eval`: the 805 tasks of AlpacaEval, the 252 among them.

`load` reads a set, `downloads` fetches pinned files, `categories` says which application belongs to which category.
"""
