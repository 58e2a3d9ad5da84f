"""Pure nouns and rules: alerts, cases, observables, verdicts, ids, errors, access."""
