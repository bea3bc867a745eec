"""A teacher that is no model: a loopback server that speaks the OpenAI API and writes tasks from task families.

It lets the whole kit run without a key, a GPU or a network, over the very HTTP path that a paid teacher takes.
`writer` composes the text, `api` checks a request and builds the response bodies, `server` speaks HTTP.
Its model id is "offline", and it never claims to be anything else. `teacher.local_server` starts it as a process.
"""

MODEL = "offline"
