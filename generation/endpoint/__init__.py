"""Arms that a server with OpenAI's protocol answers: no Django, no torch.

`address` is what a study file says and what an operator permits; it is light, so that the site may import
it. `writer` calls the server, and only a worker imports it.
"""
