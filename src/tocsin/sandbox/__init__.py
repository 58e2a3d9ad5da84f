"""Run other people's Python: `code.CodeRunner` takes a call and returns JSON, or says which limit or line ended it."""
