"""The web demo, with what the original's had: moderation, a watermark, a flag button, terms.

`answering` is a question's way through all of it, without a web page; `guards` keeps input within bounds, `moderation`
looks at texts, `watermark` marks and detects, `flags` stores reports; `page` draws it with Gradio (extra `demo`).
"""
