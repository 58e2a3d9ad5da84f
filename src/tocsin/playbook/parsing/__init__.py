"""From the located tree of a text to the model of a playbook; what is wrong is collected."""
