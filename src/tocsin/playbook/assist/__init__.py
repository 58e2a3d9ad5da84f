"""What an editor asks of a playbook while it is written: completion, hover, definitions, renaming, symbols, fixes.

Everything here is a function of a text and a place in it. Places are as in spans: lines and columns from 1, in characters.
"""
