"""A teacher that is no model: a loopback server that speaks the OpenAI API and writes tasks from task families.

It lets the whole kit run without a key, a GPU or a network, over the very HTTP path that a paid teacher takes.
`writer` composes the text; `asked` checks a request and `completions` builds the body of its answer; `moderations`,
`stored_files`, `batches` and `model_list` are the other endpoints. `fault_plan` says which request meets which of the
`faults`, `rate_limits` keeps limits, and `tally` counts what was asked; `text_endpoint` puts these around the writer.
`api` sends each request to its place, and `server` speaks HTTP.
Its model id is "offline", and it never claims to be anything else. `teacher.local_server` starts it as a process.
"""

MODEL = "offline"
