"""The routes, a module a noun: parse, call one service, shape the answer."""
