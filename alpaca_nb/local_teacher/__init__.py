"""A real teacher without a key: a small model, served on loopback by llama.cpp's own OpenAI-compatible server.

It needs the extra `local` (`pip install -e ".[local]"`, a wheel, no compiler). What it writes is labelled with the
model's name. As a teacher such a model is weak: its tasks are often odd and its answers often wrong, which is the
point of looking at them. `teacher.local_server` starts it as a process of its own, as it does the offline teacher.
"""
