"""The prompt: what the model sees. SHARED WITH TRAINING AND EVALUATION: standard library only.

This is the *only* module of `server/` that `training/` may import. A change here changes what
every adapter was trained on: raise `PROMPT_VERSION` with it.
"""
