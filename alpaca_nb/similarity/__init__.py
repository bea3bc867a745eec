"""How alike are two texts, and which of many are alike at all? ROUGE-L, and an index that saves most comparisons."""
