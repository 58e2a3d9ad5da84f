"""The playbook language, pure: source, model, checks, plan."""
